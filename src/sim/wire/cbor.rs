//! CBOR as Smithy's RPC v2 protocol has it, to JSON and back: operations read and write JSON only.
//!
//! JSON has no type for times: a member whose name ends in `Timestamp` or `Timestamps` is one, in seconds since 1970.
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::decode::DeserializeError;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value};

/// The content type of bodies in this protocol.
pub const CONTENT_TYPE: &str = "application/cbor";

/// How deep a body may be nested.
const DEEPEST: u32 = 32;

/// Reads a whole body. An empty one is an empty structure.
///
/// # Errors
/// When the bytes are not CBOR of the kinds that the protocol knows, or are nested too deeply.
pub fn read(bytes: &[u8]) -> Result<Value, DeserializeError> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let mut decoder = Decoder::new(bytes);
    let value = read_value(&mut decoder, 0)?;
    if decoder.position() < bytes.len() {
        return Err(DeserializeError::expected_end_of_stream(decoder.position()));
    }
    Ok(value)
}

fn read_value(decoder: &mut Decoder<'_>, depth: u32) -> Result<Value, DeserializeError> {
    if depth > DEEPEST {
        return Err(DeserializeError::custom("nested too deeply", decoder.position()));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => Value::from(decoder.boolean()?),
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        Type::F16 | Type::F32 | Type::F64 => Value::from(decoder.double()?),
        Type::String | Type::StringIndef => Value::from(decoder.string()?),
        Type::Tag => Value::from(decoder.timestamp()?.as_secs_f64()),
        Type::Array | Type::ArrayIndef => {
            let mut items = Vec::new();
            each(decoder, Decoder::list, |decoder| {
                items.push(read_value(decoder, depth + 1)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let mut members = Map::new();
            each(decoder, Decoder::map, |decoder| {
                let name = decoder.string()?;
                members.insert(name, read_value(decoder, depth + 1)?);
                Ok(())
            })?;
            Value::Object(members)
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            Value::from(decoder.long()?)
        }
        _ => return Err(DeserializeError::custom("a type that the protocol does not have", decoder.position())),
    })
}

/// Reads what is in a list or map, whose length may be given or open.
fn each<'b>(
    decoder: &mut Decoder<'b>,
    open: impl Fn(&mut Decoder<'b>) -> Result<Option<u64>, DeserializeError>,
    mut read: impl FnMut(&mut Decoder<'b>) -> Result<(), DeserializeError>,
) -> Result<(), DeserializeError> {
    match open(decoder)? {
        Some(length) => {
            for _ in 0..length {
                read(decoder)?;
            }
        }
        None => {
            while decoder.datatype()? != Type::Break {
                read(decoder)?;
            }
            decoder.skip()?;
        }
    }
    Ok(())
}

/// Writes a body.
pub fn write(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write_value(&mut encoder, value, false);
    encoder.into_writer()
}

fn write_value(encoder: &mut Encoder, value: &Value, is_time: bool) {
    match value {
        Value::Null => {
            encoder.null();
        }
        Value::Bool(flag) => {
            encoder.boolean(*flag);
        }
        Value::Number(number) if is_time => {
            encoder.timestamp(&DateTime::from_secs_f64(number.as_f64().unwrap_or_default()));
        }
        Value::Number(number) => {
            match number.as_i64() {
                Some(whole) => encoder.long(whole),
                None => encoder.double(number.as_f64().unwrap_or_default()),
            };
        }
        Value::String(text) => {
            encoder.str(text);
        }
        Value::Array(items) => {
            encoder.array(items.len());
            items.iter().for_each(|item| write_value(encoder, item, is_time));
        }
        Value::Object(members) => {
            encoder.map(members.len());
            for (name, member) in members {
                encoder.str(name);
                write_value(encoder, member, name.ends_with("Timestamp") || name.ends_with("Timestamps"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_times_are_times() {
        let value = json!({
            "Name": "ü", "Count": 3, "Ratio": 2.5, "Whole": 2.0, "On": true, "None": null, "Empty": [],
            "Items": [{"A": "b"}], "StateUpdatedTimestamp": 1_700_000_000.5, "Timestamps": [1_700_000_000.0],
        });
        let bytes = write(&value);
        assert_eq!(read(&bytes).unwrap(), value);
        // Tag 1 stands before each of the two times.
        assert_eq!(bytes.iter().filter(|byte| **byte == 0xc1).count(), 2);
        assert_eq!(read(b"").unwrap(), json!({}));
    }

    #[test]
    fn lists_and_maps_of_open_length_are_read() {
        assert_eq!(read(b"\xbf\x61A\x9f\x01\x02\xff\xff").unwrap(), json!({"A": [1, 2]}));
    }

    #[test]
    fn nesting_ends_somewhere() {
        assert!(read(&[0x81; 10_000]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
