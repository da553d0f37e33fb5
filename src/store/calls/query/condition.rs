//! Conditions in SQL. Each of them alone says exactly what was asked; what is added beside it is for an index.

use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::expression::Expression;
use crate::{
    domain::{
        call_query::{Bound, Column, Condition, Search, Side, Test, Value},
        id::AccountId,
    },
    store::calls::names::TELEPHONY,
};

/// Pushes a condition.
pub(super) fn push(sql: &mut QueryBuilder<Postgres>, account_id: AccountId, asked: &Condition) {
    let expression = Expression::of(asked.column);
    match &asked.test {
        Test::States(states) => {
            sql.push("state = any(").push_bind(states.clone());
            sql.push("::call_state[])");
        }
        Test::Directions(directions) => {
            sql.push("coalesce(direction, 'inbound') = any(");
            sql.push_bind(directions.clone())
                .push("::call_direction[])");
        }
        Test::Null(wanted) => {
            // What the document has no null for is never null; the planner sees that by itself.
            sql.push("(").push(expression.sql).push(") is ");
            sql.push(if *wanted { "null" } else { "not null" });
        }
        Test::Is(value) => {
            push_compared(sql, asked.column, value);
            sql.push(" = ");
            push_value(sql, value);
            push_known_name(sql, account_id, asked.column, std::slice::from_ref(value));
        }
        Test::IsNot(value) => {
            push_compared(sql, asked.column, value);
            sql.push(" is distinct from ");
            push_value(sql, value);
        }
        Test::OneOf(values) => push_one_of(sql, account_id, asked.column, values),
        Test::Beyond(bound, value) => {
            push_compared(sql, asked.column, value);
            sql.push(match bound {
                Bound::Above => " > ",
                Bound::From => " >= ",
                Bound::Below => " < ",
                Bound::UpTo => " <= ",
            });
            push_value(sql, value);
        }
        Test::Has(side, text) => push_has(sql, &expression, *side, text),
    }
}

/// Pushes what `search` asks.
pub(super) fn push_search(sql: &mut QueryBuilder<Postgres>, search: &Search) {
    for (number, column) in search.columns.iter().enumerate() {
        sql.push(if number == 0 { "(" } else { " or " });
        push_like(
            sql,
            &Expression::of(*column),
            &pattern(Side::Anywhere, &search.words),
        );
    }
    sql.push(")");
}

/// The pattern for a text that stands somewhere.
pub(super) fn pattern(side: Side, text: &str) -> String {
    let escaped = escape_like(text);
    match side {
        Side::Start => format!("{escaped}%"),
        Side::End => format!("%{escaped}"),
        Side::Anywhere => format!("%{escaped}%"),
    }
}

fn push_has(sql: &mut QueryBuilder<Postgres>, expression: &Expression, side: Side, text: &str) {
    push_like(sql, expression, &pattern(side, text));
    // Where there is nothing to fold, the order of code points leads to what begins so.
    if side == Side::Start && !text.is_empty() && !text.chars().any(char::is_alphabetic) {
        sql.push(" and ").push(expression.text()).push(" >= ");
        sql.push_bind(text.to_owned());
        sql.push(" and ").push(expression.text()).push(" <= ");
        sql.push_bind(format!("{text}{}", char::MAX));
    }
}

fn push_like(sql: &mut QueryBuilder<Postgres>, expression: &Expression, pattern: &str) {
    sql.push("(").push(expression.sql).push(")::text ilike ");
    sql.push_bind(pattern.to_owned());
}

fn push_one_of(
    sql: &mut QueryBuilder<Postgres>,
    account_id: AccountId,
    column: Column,
    values: &[Value],
) {
    if let Some(value) = values.first() {
        push_compared(sql, column, value);
    }
    sql.push(" in (");
    for (number, value) in values.iter().enumerate() {
        sql.push(if number == 0 { "" } else { ", " });
        push_value(sql, value);
    }
    sql.push(")");
    push_known_name(sql, account_id, column, values);
}

/// What a value is compared with.
fn push_compared(sql: &mut QueryBuilder<Postgres>, column: Column, value: &Value) {
    let expression = Expression::of(column);
    match value {
        Value::Text(_) => sql.push(expression.text()),
        Value::Whole(_)
        | Value::Decimal(_)
        | Value::Time(_)
        | Value::Id(_)
        | Value::Flag(_)
        | Value::Json(_) => sql.push("(").push(expression.sql).push(")"),
    };
}

fn push_value(sql: &mut QueryBuilder<Postgres>, value: &Value) {
    match value {
        Value::Text(text) => sql.push_bind(text.clone()),
        Value::Whole(number) => sql.push_bind(*number),
        Value::Decimal(number) => sql.push_bind(*number),
        Value::Time(at) => sql.push_bind(*at),
        Value::Id(id) => sql.push_bind(*id),
        Value::Flag(flag) => sql.push_bind(*flag),
        Value::Json(json) => sql.push_bind(json.clone()),
    };
}

/// Beside the same said of what is shown, where an index has what is kept.
fn push_known_name(
    sql: &mut QueryBuilder<Postgres>,
    account_id: AccountId,
    column: Column,
    values: &[Value],
) {
    match column {
        // Every name is among the names, but that of a call which was placed here: until the provider has named it, it is
        // called by its id, and then by a name that may have been another call's before.
        Column::Sid => {
            let names: Vec<String> = values
                .iter()
                .filter_map(|value| match value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            sql.push(" and call_id = any(array(select call_id from call_names where account_id = ");
            sql.push_bind(account_id.uuid());
            sql.push(" and namespace = ").push_bind(TELEPHONY);
            sql.push(" and name = any(").push_bind(names.clone());
            sql.push(") union all select call_id from calls as placed where account_id = ");
            sql.push_bind(account_id.uuid());
            sql.push(" and placement is not null and provider_call_id = any(");
            sql.push_bind(names).push(")))");
        }
        // The nil UUID is shown where there is no agent.
        Column::Agent if !values.contains(&Value::Id(Uuid::nil())) => {
            sql.push(" and ai_agent_id in (");
            for (number, value) in values.iter().enumerate() {
                sql.push(if number == 0 { "" } else { ", " });
                push_value(sql, value);
            }
            sql.push(")");
        }
        _ => {}
    }
}

/// Makes `LIKE` take a text for itself.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
