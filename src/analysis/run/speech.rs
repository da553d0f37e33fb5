//! The sections that are made of a transcript. Each by itself: what needs another that was not made does without it.

use super::{Material, guarded};
use crate::{
    analysis::{
        categories::categories,
        heard::heard,
        highlights::highlights,
        key_phrases::key_phrases,
        language::language,
        privacy::{self, PiiSpan},
        quality,
        sentiment::{is_supported, sentiment},
        voicemail::voicemail,
        words::Words,
    },
    domain::{
        analysis::{
            CallMetrics, Categories, ConversationCharacteristics, FailReason, Highlights,
            KeyPhrases, LanguageSource, Pii, QualityFlag, Section, Sentiment, SkipReason,
            Voicemail, settings::CategoryRule,
        },
        transcript::{Language, Times, Transcript, Utterance},
    },
};

/// What is made of a transcript.
pub(super) struct Speech {
    pub(super) language: Option<(Language, LanguageSource)>,
    pub(super) conversation: Section<ConversationCharacteristics>,
    pub(super) sentiment: Section<Sentiment>,
    pub(super) turn_compounds: Option<Vec<f64>>,
    pub(super) pii: Section<Pii>,
    pub(super) key_phrases: Section<KeyPhrases>,
    pub(super) highlights: Section<Highlights>,
    pub(super) categories: Section<Categories>,
    pub(super) voicemail: Section<Voicemail>,
    pub(super) quality_flags: Option<Vec<QualityFlag>>,
}

impl Speech {
    /// What there is without a transcript.
    pub(super) fn none(
        call: Option<&CallMetrics>,
        conversation: Section<ConversationCharacteristics>,
    ) -> Self {
        let reason = SkipReason::NoTranscript;
        let quality_flags = guarded("quality_flags", || {
            conversation
                .completed()
                .map_or_else(Vec::new, quality::of_voices)
        });
        Self {
            language: None,
            conversation,
            sentiment: Section::Skipped { reason },
            turn_compounds: None,
            pii: Section::Skipped { reason },
            key_phrases: Section::Skipped { reason },
            highlights: Section::Skipped { reason },
            categories: Section::Skipped { reason },
            voicemail: Section::from(guarded("voicemail", || voicemail(call, &[]))),
            quality_flags: quality_flags.ok(),
        }
    }

    /// All that can be made of a transcript whose texts these are. `score` gives the compound score of each.
    pub(super) fn of(
        material: &Material,
        (transcript, texts): (&Transcript, &[Words<'_>]),
        call: Option<&CallMetrics>,
        conversation: Section<ConversationCharacteristics>,
        score: &dyn Fn(&[Words<'_>]) -> Vec<f64>,
    ) -> Self {
        let utterances = transcript.utterances();
        let talk_ms = material.facts.talk_ms();
        let language = guarded("language", || language(transcript)).ok().flatten();
        let language = language.map(|(language, source)| match (source, &material.transcript) {
            (LanguageSource::Caller, Some((giver, _))) => {
                (language, LanguageSource::given_by(*giver))
            }
            (source, _) => (language, source),
        });
        let is_english = is_supported(language.as_ref().map(|(language, _)| language));
        let said = (utterances, transcript.times());
        let (sentiment, turn_compounds) = if is_english {
            toned(material, said, texts, score)
        } else {
            let reason = SkipReason::LanguageNotSupported;
            (Section::Skipped { reason }, None)
        };
        let quality_flags = guarded("quality_flags", || {
            let heard = (conversation.completed(), sentiment.completed());
            quality::flags(utterances, talk_ms, heard)
        });
        let content = Content {
            material,
            utterances,
            texts,
            times: transcript.times(),
            call,
            is_english,
            compounds: turn_compounds.as_deref(),
            duration_ms: conversation
                .completed()
                .map(|made| made.total_conversation_duration_ms),
        };
        Self {
            quality_flags: quality_flags.ok(),
            language,
            conversation,
            sentiment,
            ..content.sections(turn_compounds.clone())
        }
    }
}

/// The sentiment section, and that of each utterance.
fn toned(
    material: &Material,
    (utterances, times): (&[Utterance], Times),
    texts: &[Words<'_>],
    score: &dyn Fn(&[Words<'_>]) -> Vec<f64>,
) -> (Section<Sentiment>, Option<Vec<f64>>) {
    let scored = guarded("sentiment", || {
        let settings = &material.settings.sentiment;
        let compounds = score(texts);
        (
            sentiment((utterances, times), &compounds, settings),
            compounds,
        )
    });
    match scored {
        Ok((sentiment, compounds)) => (Section::Completed(sentiment), Some(compounds)),
        Err(reason) => (Section::Failed { reason }, None),
    }
}

/// What the sections about words are made of.
struct Content<'a> {
    material: &'a Material,
    utterances: &'a [Utterance],
    texts: &'a [Words<'a>],
    times: Times,
    call: Option<&'a CallMetrics>,
    is_english: bool,
    compounds: Option<&'a [f64]>,
    duration_ms: Option<u64>,
}

impl Content<'_> {
    /// Where personal data cannot be found, nothing is made of the words: it could be in it.
    fn sections(&self, turn_compounds: Option<Vec<f64>>) -> Speech {
        let spans = match guarded("pii", || self.personal_data()) {
            Ok(spans) => spans,
            Err(reason) => return Speech::unread(reason, turn_compounds),
        };
        let heard = heard(self.utterances, self.texts, &spans);
        let in_english = SkipReason::LanguageNotSupported;
        let duration_ms = self.duration_ms.unwrap_or_else(|| {
            let ends = self.utterances.iter().map(|utterance| utterance.end_ms);
            ends.max().unwrap_or(0).into()
        });
        // Who does not know when something was said cannot ask for a time.
        let rules = self.material.settings.categories.iter();
        let rules: Vec<CategoryRule> = rules
            .filter(|rule| self.times == Times::Given || !rule.asks_for_a_time())
            .cloned()
            .collect();
        Speech {
            pii: Section::from(guarded("pii", || privacy::section(self.utterances, &spans))),
            key_phrases: self.english(in_english, "key_phrases", || key_phrases(&heard)),
            highlights: self.english(in_english, "highlights", || {
                highlights(&heard, self.compounds)
            }),
            categories: Section::from(guarded("categories", || {
                categories(&rules, &heard, duration_ms)
            })),
            voicemail: Section::from(guarded("voicemail", || voicemail(self.call, &heard))),
            ..Speech::unread(FailReason::InternalError, turn_compounds)
        }
    }

    fn personal_data(&self) -> Vec<PiiSpan> {
        let speakers = self.utterances.iter().map(Utterance::participant);
        privacy::detect_split(speakers.zip(self.texts.iter().copied()))
    }

    fn english<T>(
        &self,
        otherwise: SkipReason,
        name: &'static str,
        make: impl FnOnce() -> T,
    ) -> Section<T> {
        if self.is_english {
            Section::from(guarded(name, make))
        } else {
            Section::Skipped { reason: otherwise }
        }
    }
}

impl Speech {
    /// Where nothing about the words could be made.
    fn unread(reason: FailReason, turn_compounds: Option<Vec<f64>>) -> Self {
        Self {
            language: None,
            conversation: Section::Failed { reason },
            sentiment: Section::Failed { reason },
            turn_compounds,
            pii: Section::Failed { reason },
            key_phrases: Section::Failed { reason },
            highlights: Section::Failed { reason },
            categories: Section::Failed { reason },
            voicemail: Section::Failed { reason },
            quality_flags: None,
        }
    }
}
