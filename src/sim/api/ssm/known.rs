//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    AddTagsToResource:
        ResourceId ResourceType Tags.#.Key Tags.#.Value
    DeleteParameter:
        Name
    DeleteParameters:
        Names.#
    DescribeParameters:
        MaxResults NextToken ParameterFilters.#.Key ParameterFilters.#.Option ParameterFilters.#.Values.#
    GetParameter:
        Name WithDecryption
    GetParameterHistory:
        MaxResults Name NextToken WithDecryption
    GetParameters:
        Names.# WithDecryption
    GetParametersByPath:
        MaxResults NextToken Path Recursive WithDecryption
    LabelParameterVersion:
        Labels.# Name ParameterVersion
    ListTagsForResource:
        ResourceId ResourceType
    PutParameter:
        DataType Description Name Overwrite Tags.#.Key Tags.#.Value Tier Type Value
    RemoveTagsFromResource:
        ResourceId ResourceType TagKeys.#
";
