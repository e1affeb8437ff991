"""moto's server with a clock that runs faster than ours: `fast_moto.py 2026-11-02T12:00:00Z*30 -H 127.0.0.1 -p 5000`.

Most of what a release lasts is waiting: for a bake, for resolvers that remember a name, for the next look. Moto does nothing
meanwhile, but what it answers has times in it, its `Date` header among them, and Amiable compares them with its own clock. So
both follow the same clock, which is described as in `AMIABLE_SIM_CLOCK`: when it began, and how many times as fast as the real
one it has run since then. Only the time of day is faster; what is monotonic, such as the timeouts of sockets, is not.
"""

import datetime
import sys
import time

real_time, RealDatetime = time.time, datetime.datetime


def fast_time(began, speed):
    return lambda: began + (real_time() - began) * speed


class AnyDatetime(type):
    """A time that was not made by the class below, such as one that C code made, is a `datetime` as well."""

    def __instancecheck__(cls, thing):
        return isinstance(thing, RealDatetime)


class FastDatetime(RealDatetime, metaclass=AnyDatetime):
    """A `datetime` whose present is that of the fast clock."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return cls.now()


def main(clock, arguments):
    began, speed = clock.split("*")
    time.time = fast_time(RealDatetime.fromisoformat(began.replace("Z", "+00:00")).timestamp(), int(speed))
    datetime.datetime = FastDatetime
    # Only now, because modules take these names as they are when they are first imported.
    from moto.server import main as serve

    serve(arguments)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
