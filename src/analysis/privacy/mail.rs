//! E-mail addresses: written, and said with "at" and "dot".

use super::{
    PiiSpan,
    tokens::{Said, Shape, Token},
    vocabulary::{Kinds, Sign, Topic},
};
use crate::{analysis::words::Traits, domain::analysis::privacy::EntityType};

/// An address that is said has at most so many words on each side.
const LOCAL_TOKENS_MAX: usize = 24;
const DOMAIN_TOKENS_MAX: usize = 10;
/// So many words may be one part of a domain: "big bank dot com".
const LABEL_TOKENS_MAX: usize = 2;
/// The longest address there is.
const BYTES_MAX: usize = 320;

/// Adds the addresses of a turn.
pub(super) fn find(said: &[Said<'_>], turn: usize, found: &mut Vec<PiiSpan>) {
    let Some(now) = said.get(turn).filter(|said| said.traits.has(Traits::AT)) else {
        return;
    };
    let mut add = |begin, end| {
        found.push(PiiSpan {
            turn,
            begin,
            end,
            entity: EntityType::Email,
        });
    };
    for (at, _) in now.text.match_indices('@') {
        if let Some((begin, end)) = written(now.text, at) {
            add(begin, end);
        }
    }
    let is_told = |before: usize| {
        let own = (0..before)
            .rev()
            .take(16)
            .any(|at| now.topic(at) == Some(Topic::Mail) || is_mail(now, at));
        let others = said.get(turn.saturating_sub(2)..turn).unwrap_or_default();
        own || others
            .iter()
            .any(|said| (0..said.len().min(64)).any(|at| is_mail(said, at)))
    };
    for (at, token) in now.tokens(0).enumerate() {
        if token.known.sign == Some(Sign::At)
            && let Some((begin, end)) = spoken(now, at, &is_told)
        {
            add(begin, end);
        }
    }
}

/// Whether a word says that an address may come.
fn is_mail(said: &Said<'_>, at: usize) -> bool {
    let Some(token) = said.token(at) else {
        return false;
    };
    let is_e_mail = token.is("mail")
        && at
            .checked_sub(1)
            .and_then(|at| said.token(at))
            .is_some_and(|e| e.is("e"));
    is_e_mail
        || ["email", "write", "send", "contact", "reach"]
            .iter()
            .any(|word| token.is(word))
}

/// The address around an `@`.
fn written(text: &str, at: usize) -> Option<(usize, usize)> {
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"._%+-'".contains(&byte);
    let before = text.as_bytes().get(at.saturating_sub(BYTES_MAX)..at)?;
    let local = before
        .iter()
        .rev()
        .take_while(|byte| is_local(**byte))
        .count();
    let after = text.as_bytes().get(at + 1..)?;
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let mut domain = after
        .iter()
        .take(BYTES_MAX)
        .take_while(|byte| is_domain(**byte))
        .count();
    let name = text.get(at + 1..at + 1 + domain)?;
    domain = name.trim_end_matches(['.', '-']).len();
    let (_, top) = text.get(at + 1..at + 1 + domain)?.rsplit_once('.')?;
    let is_top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    (local > 0 && is_top).then_some((at - local, at + 1 + domain))
}

/// The address around an "at".
fn spoken(said: &Said<'_>, at: usize, is_told: &dyn Fn(usize) -> bool) -> Option<(usize, usize)> {
    let (end, is_host) = domain(said, at)?;
    let (first, is_marked) = local(said, at)?;
    let begin = said.token(first)?;
    let is_name = !begin.known.is(Kinds::COMMON) && begin.known.topic != Some(Topic::Mail);
    let is_address = is_marked || (is_host && is_name) || (is_name && is_told(first));
    is_address.then_some((begin.begin, said.token(end)?.end))
}

/// The last word of the domain after an "at", and whether it is one that has mail of everybody.
fn domain(said: &Said<'_>, at: usize) -> Option<(usize, bool)> {
    let mut end = None;
    let (mut label, mut has_dot, mut is_host) = (0, false, false);
    for index in at + 1..(at + 1 + DOMAIN_TOKENS_MAX).min(said.len()) {
        let token = said.token(index)?;
        let gap = said.gap(index);
        let is_written_dot = gap == ".";
        if !is_written_dot && gap.contains(['.', '!', '?', ';']) {
            break;
        }
        if token.known.sign == Some(Sign::Dot) || is_written_dot {
            has_dot = label > 0 || has_dot;
            label = 0;
            if !is_written_dot {
                continue;
            }
        }
        if token.known.sign == Some(Sign::Dash) {
            continue;
        }
        if has_dot && label == 0 && token.known.is(Kinds::TOP_DOMAIN) {
            end = Some(index);
            label = 1;
            continue;
        }
        if end.is_some() || (token.known.is(Kinds::COMMON) && !token.known.is(Kinds::MAIL_HOST)) {
            break;
        }
        is_host |= token.known.is(Kinds::MAIL_HOST);
        label += 1;
        if label > LABEL_TOKENS_MAX && !token.is_letter() {
            break;
        }
    }
    Some((end?, is_host))
}

/// The first word of what stands before an "at", and whether only an address is said like that.
fn local(said: &Said<'_>, at: usize) -> Option<(usize, bool)> {
    let mut first = None;
    let mut is_marked = false;
    let mut after_sign = true;
    for index in (at.saturating_sub(LOCAL_TOKENS_MAX)..at).rev() {
        let token = said.token(index)?;
        if !said
            .gap(index + 1)
            .chars()
            .all(|c| matches!(c, ' ' | ',' | '-' | '.' | '_'))
        {
            break;
        }
        if is_sign(&token) {
            is_marked = true;
            after_sign = true;
            continue;
        }
        // One word, or letters and digits one by one; more only after a sign.
        let next = first.and_then(|first| said.token(first));
        let is_spelled =
            is_part(&token) || (token.is_letter() && next.is_some_and(|next| next.is_letter()));
        let follows_spelled = next.is_some_and(|next| is_part(&next) || is_spelled);
        if !after_sign && !follows_spelled {
            break;
        }
        if token.known.is(Kinds::COMMON) && !is_spelled && first.is_some() {
            break;
        }
        is_marked |= first.is_some() && is_spelled;
        first = Some(index);
        after_sign = false;
    }
    first.map(|first| (first, is_marked))
}

fn is_sign(token: &Token<'_>) -> bool {
    matches!(
        token.known.sign,
        Some(Sign::Dot | Sign::Dash | Sign::Underscore | Sign::Plus)
    )
}

/// A letter or a number, as they are spelled.
fn is_part(token: &Token<'_>) -> bool {
    let is_word = matches!(token.text, "a" | "i" | "I" | "A");
    (token.is_letter() && !is_word) || token.is_number() || token.shape == Shape::Mixed
}
