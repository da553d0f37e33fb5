//! The parallel lists `filter_columns[]`, `filter_operator[]` and `filter_values[]`: each missing, of the wrong form, in the wrong
//! case, too long, at its bounds and unknown.

use onhook::domain::call_query::{CONDITIONS_MAX, Column, ITEMS_MAX, Operator, VALUE_CHARS_MAX};

use super::{Case, Expect, FIRST, invalid, lists};

/// The parallel lists as such.
pub(super) fn lists_as_such() -> Vec<Case> {
    let uneven = |field: &'static str, has: usize, wanted: usize, query: &str| {
        let message = format!(
            "has {has} entries where filter_columns[] has {wanted}: give one for each, in the same order"
        );
        (query.to_owned(), Expect::Refused(field, "invalid", message))
    };
    let known = "filter_columns[], filter_values[], filter_operator[]";
    let unknown = |field: &'static str| {
        invalid(
            field,
            "1",
            format!("is not a parameter here: write {known}"),
        )
    };
    let (column, operator, value) = (
        "filter_columns[]=",
        "filter_operator[]=",
        "filter_values[]=",
    );
    vec![
        lists(format!("{column}call_sid&{operator}eq&{value}b"), "b"),
        lists(format!("{value}b&{operator}eq&{column}call_sid"), "b"),
        lists(format!("{column}call_sid&{operator}eq&{value}B"), ""),
        lists(format!("{column}notes&{operator}is_null&{value}true"), "cb"),
        uneven(
            "filter_values[]",
            0,
            1,
            &format!("{column}call_sid&{operator}eq"),
        ),
        uneven(
            "filter_operator[]",
            0,
            1,
            &format!("{column}call_sid&{value}b"),
        ),
        uneven("filter_values[]", 1, 0, &format!("{value}b")),
        unknown("filter_columns"),
        unknown("filter_operators[]"),
        unknown("filter"),
    ]
}

/// The query of one filter.
fn filter(column: &str, operator: &str, value: &str) -> String {
    format!("filter_columns[]={column}&filter_operator[]={operator}&filter_values[]={value}")
}

/// A filter of which one part is refused.
fn refused(
    (column, operator, value): (&str, &str, &str),
    field: &'static str,
    message: &str,
) -> Case {
    let refused = Expect::Refused(field, "invalid", message.to_owned());
    (filter(column, operator, value), refused)
}

/// Columns and operators that there are not, or not together.
pub(super) fn words() -> Vec<Case> {
    let columns = Column::NAMES.map(|(name, _)| name).join(", ");
    let columns = format!("must be one of {columns}");
    let operators = Operator::WORDS.map(|(word, _)| word).join(", ");
    let operators = format!("must be one of {operators}");
    let fitting = "does not fit this column: use one of eq, ne, in, is_null";
    let long = "x".repeat(2000);
    let no_columns = [
        "", "null", "7", "NOTES", "Call_Sid", "secret", "notes%20", &long,
    ];
    let no_operators = ["", "null", "7", "EQ", "=", "like", "eq%20"];
    let mut cases = vec![refused(
        ("is_test", "gt", "true"),
        "filter_operator[0]",
        fitting,
    )];
    for column in no_columns {
        cases.push(refused((column, "eq", "b"), "filter_columns[0]", &columns));
    }
    for operator in no_operators {
        let parts = ("call_sid", operator, "b");
        cases.push(refused(parts, "filter_operator[0]", &operators));
    }
    cases
}

/// Values that are not of the column's kind.
pub(super) fn wrong_values() -> Vec<Case> {
    let whole = "must be a whole number, such as 60";
    let uuid = "must be a UUID, such as 550e8400-e29b-41d4-a716-446655440000";
    let list = "must be values parted by commas, or a JSON array of texts such as [\"a,b\",\"c\"]";
    let null = "must be true, false, or empty for true";
    let json = "must be JSON, such as {\"plan\":\"pro\"}";
    let nul = "must not contain the NUL character";
    [
        (("call_duration", "eq", "1.5"), whole),
        (("call_duration", "eq", "null"), whole),
        (("call_duration", "eq", ""), whole),
        (("call_duration", "eq", "9223372036854775808"), whole),
        (("cost", "eq", "free"), "must be a number, such as 0.25"),
        (("is_test", "eq", "True"), "must be true or false"),
        (("is_test", "eq", "1"), "must be true or false"),
        (("campaign_id", "eq", "x"), uuid),
        (
            ("call_direction", "eq", "Outbound"),
            "must be inbound or outbound",
        ),
        (("metadata", "eq", "{"), json),
        (("metadata", "eq", "{\"a\":\"\\u0000\"}"), nul),
        (("call_sid", "is_null", "TRUE"), null),
        (("call_sid", "in", "[1]"), list),
    ]
    .map(|(parts, message)| refused(parts, "filter_values[0]", message))
    .into()
}

/// Values that are.
pub(super) fn values() -> Vec<Case> {
    vec![
        lists(filter("call_duration", "gte", "0"), "cba"),
        lists(filter("call_duration", "gt", "9223372036854775807"), ""),
        lists(filter("call_duration", "gt", "-9223372036854775808"), "cba"),
        lists(filter("call_sid", "in", "c,a"), "ca"),
        lists(filter("call_sid", "in", "[\"c\"]"), "c"),
        lists(filter("call_sid", "eq", "null"), ""),
        lists(filter("notes", "is_null", ""), "cb"),
        lists(filter("notes", "is_null", "false"), "a"),
        lists(filter("notes", "contains", "100%25"), "a"),
        lists(filter("campaign_id", "eq", &FIRST.to_uppercase()), "a"),
        lists(filter("call_direction", "ne", "inbound"), "cba"),
    ]
}

/// So many filters, and so long ones, and not one more.
pub(super) fn bounds() -> Vec<Case> {
    let many = |count: usize| vec![filter("call_sid", "eq", "b"); count].join("&");
    let longest = "x".repeat(VALUE_CHARS_MAX);
    let items = |count: usize| filter("call_sid", "in", &vec!["a"; count].join(","));
    let refused = |query: String, field: &'static str, message: String| {
        (query, Expect::Refused(field, "invalid", message))
    };
    vec![
        lists(many(CONDITIONS_MAX), "b"),
        refused(
            many(CONDITIONS_MAX + 1),
            "filter_columns[]",
            format!("must have at most {CONDITIONS_MAX} entries"),
        ),
        lists(filter("call_sid", "ne", &longest), "cba"),
        refused(
            filter("call_sid", "ne", &format!("{longest}x")),
            "filter_values[0]",
            format!("must have at most {VALUE_CHARS_MAX} characters"),
        ),
        lists(items(ITEMS_MAX), "a"),
        refused(
            items(ITEMS_MAX + 1),
            "filter_values[0]",
            format!("must have 1 to {ITEMS_MAX} values, parted by commas"),
        ),
    ]
}
