//! Values as SSM Parameter Store takes them: JSON without double braces, which would name another parameter.

use serde::Serialize;

/// The most bytes of a value that costs nothing.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
pub const FREE: usize = 4096;

/// A value as JSON. Parameter Store refuses `{{…}}` wherever it stands, so that the second brace is written as an escape;
/// whoever reads the JSON finds the same text.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
///
/// # Errors
/// Never in practice: what is kept is plain data.
pub fn encode<T: Serialize>(value: &T) -> Result<String, String> {
    // Outside of a string JSON never has two of them in a row: the name of a field comes first.
    serde_json::to_string(value).map(|text| text.replace("{{", "{\\u007b")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_names_another_parameter_and_reads_back_as_it_was() {
        for text in ["{{ .Values.name }}", "{{{{x}}}}", "{{{x}}}", "\\{{x}}", "{ {x} }", ""] {
            let encoded = encode(&[text]).unwrap();
            assert!(!encoded.contains("{{"), "{encoded}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&encoded).unwrap(), [text]);
        }
    }
}
