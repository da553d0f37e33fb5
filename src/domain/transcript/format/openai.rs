//! `verbose_json` and `diarized_json` of `OpenAI`'s audio transcriptions, as the many servers write them that copy it.

use super::turns::{Turn, Turns, Unit, When, Who, words};
use crate::domain::transcript::{Language, tree::Node};

/// Whisper writes the name of a language where others write its tag.
const LANGUAGES: [(&str, &str); 100] = [
    ("afrikaans", "af"),
    ("albanian", "sq"),
    ("amharic", "am"),
    ("arabic", "ar"),
    ("armenian", "hy"),
    ("assamese", "as"),
    ("azerbaijani", "az"),
    ("bashkir", "ba"),
    ("basque", "eu"),
    ("belarusian", "be"),
    ("bengali", "bn"),
    ("bosnian", "bs"),
    ("breton", "br"),
    ("bulgarian", "bg"),
    ("cantonese", "yue"),
    ("catalan", "ca"),
    ("chinese", "zh"),
    ("croatian", "hr"),
    ("czech", "cs"),
    ("danish", "da"),
    ("dutch", "nl"),
    ("english", "en"),
    ("estonian", "et"),
    ("faroese", "fo"),
    ("finnish", "fi"),
    ("french", "fr"),
    ("galician", "gl"),
    ("georgian", "ka"),
    ("german", "de"),
    ("greek", "el"),
    ("gujarati", "gu"),
    ("haitian creole", "ht"),
    ("hausa", "ha"),
    ("hawaiian", "haw"),
    ("hebrew", "he"),
    ("hindi", "hi"),
    ("hungarian", "hu"),
    ("icelandic", "is"),
    ("indonesian", "id"),
    ("italian", "it"),
    ("japanese", "ja"),
    ("javanese", "jv"),
    ("kannada", "kn"),
    ("kazakh", "kk"),
    ("khmer", "km"),
    ("korean", "ko"),
    ("lao", "lo"),
    ("latin", "la"),
    ("latvian", "lv"),
    ("lingala", "ln"),
    ("lithuanian", "lt"),
    ("luxembourgish", "lb"),
    ("macedonian", "mk"),
    ("malagasy", "mg"),
    ("malay", "ms"),
    ("malayalam", "ml"),
    ("maltese", "mt"),
    ("maori", "mi"),
    ("marathi", "mr"),
    ("mongolian", "mn"),
    ("myanmar", "my"),
    ("nepali", "ne"),
    ("norwegian", "no"),
    ("nynorsk", "nn"),
    ("occitan", "oc"),
    ("pashto", "ps"),
    ("persian", "fa"),
    ("polish", "pl"),
    ("portuguese", "pt"),
    ("punjabi", "pa"),
    ("romanian", "ro"),
    ("russian", "ru"),
    ("sanskrit", "sa"),
    ("serbian", "sr"),
    ("shona", "sn"),
    ("sindhi", "sd"),
    ("sinhala", "si"),
    ("slovak", "sk"),
    ("slovenian", "sl"),
    ("somali", "so"),
    ("spanish", "es"),
    ("sundanese", "su"),
    ("swahili", "sw"),
    ("swedish", "sv"),
    ("tagalog", "tl"),
    ("tajik", "tg"),
    ("tamil", "ta"),
    ("tatar", "tt"),
    ("telugu", "te"),
    ("thai", "th"),
    ("tibetan", "bo"),
    ("turkish", "tr"),
    ("turkmen", "tk"),
    ("ukrainian", "uk"),
    ("urdu", "ur"),
    ("uzbek", "uz"),
    ("vietnamese", "vi"),
    ("welsh", "cy"),
    ("yiddish", "yi"),
    ("yoruba", "yo"),
];

/// `segments`, whose speaker is there only where the service tells speakers apart.
pub(super) fn openai(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let remedy = ": ask for `verbose_json` with segments, or for `diarized_json`";
    for turn in turns.list(&root.get("segments"), remedy) {
        // whisper.cpp's sign for a speaker that it cannot tell.
        let speaker = turn.get("speaker").label().filter(|label| label != "?");
        turns.take(Turn {
            who: Who::Label(speaker),
            text: turn.get("text"),
            when: When::Fields(turn.get("start"), turn.get("end"), Unit::Seconds),
            confidence: None,
            words: words(
                &turn.get("words"),
                (&["word", "text"], "start", "end"),
                Unit::Seconds,
            ),
        });
    }
    named(root.get("language").text()?)
}

/// The language of a tag, or of Whisper's name for it.
fn named(language: &str) -> Option<Language> {
    let name = language.trim().to_lowercase();
    let at = LANGUAGES.binary_search_by(|(known, _)| (*known).cmp(&name));
    let tag = at
        .ok()
        .and_then(|at| LANGUAGES.get(at))
        .map(|(_, tag)| *tag);
    match tag {
        Some(tag) => tag.parse().ok(),
        // A longer word that is none of the names would pass for a tag.
        None if name
            .split('-')
            .next()
            .is_some_and(|primary| primary.len() <= 3) =>
        {
            name.parse().ok()
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, Language, named};

    #[test]
    fn languages_are_known_by_name_and_by_tag() {
        assert!(LANGUAGES.is_sorted());
        for (given, tag) in [
            ("english", Some("en")),
            ("Haitian Creole", Some("ht")),
            ("cantonese", Some("yue")),
            ("de", Some("de")),
            ("pt-br", Some("pt-br")),
            ("klingon", None),
            ("", None),
        ] {
            let found = named(given);
            assert_eq!(found.as_ref().map(Language::as_str), tag, "{given}");
        }
    }
}
