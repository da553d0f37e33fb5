//! Which language a transcript is in: as its giver says, else as its words tell, if there are enough of them.

use whatlang::Lang;

use crate::domain::{
    analysis::LanguageSource,
    transcript::{Language, Transcript},
};

/// Fewer characters tell nothing.
pub const CHARS_MIN: usize = 100;
/// More are not looked at.
const CHARS_MAX: usize = 1_000;

/// The language, and who says so.
pub fn language(transcript: &Transcript) -> Option<(Language, LanguageSource)> {
    if let Some(language) = transcript.language() {
        return Some((language.clone(), LanguageSource::Caller));
    }
    let mut joined = String::new();
    let mut count = 0;
    for utterance in transcript.utterances() {
        let text = utterance.text.as_str();
        joined.extend(text.chars().take(CHARS_MAX - count));
        joined.push(' ');
        count = (count + text.chars().take(CHARS_MAX).count()).min(CHARS_MAX);
        if count == CHARS_MAX {
            break;
        }
    }
    if count < CHARS_MIN {
        return None;
    }
    let found = whatlang::detect(&joined).filter(whatlang::Info::is_reliable)?;
    Some((code(found.lang()).parse().ok()?, LanguageSource::Detected))
}

/// The shortest code of ISO 639, as BCP 47 asks for.
fn code(lang: Lang) -> &'static str {
    CODES
        .iter()
        .find(|(known, _)| *known == lang)
        .map_or(lang.code(), |(_, code)| code)
}

const CODES: [(Lang, &str); 69] = [
    (Lang::Eng, "en"),
    (Lang::Rus, "ru"),
    (Lang::Cmn, "zh"),
    (Lang::Spa, "es"),
    (Lang::Por, "pt"),
    (Lang::Ita, "it"),
    (Lang::Ben, "bn"),
    (Lang::Fra, "fr"),
    (Lang::Deu, "de"),
    (Lang::Ukr, "uk"),
    (Lang::Kat, "ka"),
    (Lang::Ara, "ar"),
    (Lang::Hin, "hi"),
    (Lang::Jpn, "ja"),
    (Lang::Heb, "he"),
    (Lang::Yid, "yi"),
    (Lang::Pol, "pl"),
    (Lang::Amh, "am"),
    (Lang::Jav, "jv"),
    (Lang::Kor, "ko"),
    (Lang::Nob, "nb"),
    (Lang::Dan, "da"),
    (Lang::Swe, "sv"),
    (Lang::Fin, "fi"),
    (Lang::Tur, "tr"),
    (Lang::Nld, "nl"),
    (Lang::Hun, "hu"),
    (Lang::Ces, "cs"),
    (Lang::Ell, "el"),
    (Lang::Bul, "bg"),
    (Lang::Bel, "be"),
    (Lang::Mar, "mr"),
    (Lang::Kan, "kn"),
    (Lang::Ron, "ro"),
    (Lang::Slv, "sl"),
    (Lang::Hrv, "hr"),
    (Lang::Srp, "sr"),
    (Lang::Mkd, "mk"),
    (Lang::Lit, "lt"),
    (Lang::Lav, "lv"),
    (Lang::Est, "et"),
    (Lang::Tam, "ta"),
    (Lang::Vie, "vi"),
    (Lang::Urd, "ur"),
    (Lang::Tha, "th"),
    (Lang::Guj, "gu"),
    (Lang::Uzb, "uz"),
    (Lang::Pan, "pa"),
    (Lang::Aze, "az"),
    (Lang::Ind, "id"),
    (Lang::Tel, "te"),
    (Lang::Pes, "fa"),
    (Lang::Mal, "ml"),
    (Lang::Ori, "or"),
    (Lang::Mya, "my"),
    (Lang::Nep, "ne"),
    (Lang::Sin, "si"),
    (Lang::Khm, "km"),
    (Lang::Tuk, "tk"),
    (Lang::Aka, "ak"),
    (Lang::Zul, "zu"),
    (Lang::Sna, "sn"),
    (Lang::Afr, "af"),
    (Lang::Lat, "la"),
    (Lang::Slk, "sk"),
    (Lang::Cat, "ca"),
    (Lang::Tgl, "tl"),
    (Lang::Hye, "hy"),
    (Lang::Cym, "cy"),
];
