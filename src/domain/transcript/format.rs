//! Transcripts as the common voice platforms write them, and the way from there to a [`Transcript`]. `docs/transcripts.md`
//! says of each where its shape comes from. The caller names the format; nothing is guessed from the content.
//!
//! A format finds the turns of its document and says which field is what ([`turns::Turn`]); what makes utterances of them,
//! and names every fault by its path in that document, is the same for all.

use std::collections::BTreeMap;

use super::{
    Language, SpeakerRole, Transcript,
    draft::Faults,
    tree::{Node, Tree},
};
use crate::domain::{fault::Fault, text::Text};

mod labelled;
mod openai;
mod platforms;
mod turns;

use turns::{Found, Turns};

/// A shape of transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `AssemblyAI`: a transcript with `utterances`.
    AssemblyAi,
    /// Bland: a call with `transcripts`.
    Bland,
    /// Amazon Connect Contact Lens, and Transcribe Call Analytics.
    ContactLens,
    /// Deepgram: an answer of `/v1/listen` with `utterances`.
    Deepgram,
    /// `ElevenLabs` agents: a conversation, or the webhook that carries one.
    ElevenLabs,
    /// `OpenAI` audio transcriptions: `verbose_json` or `diarized_json`.
    OpenAi,
    /// Retell: a call, or the webhook that carries one.
    Retell,
    /// Twilio Voice Intelligence: a page of sentences.
    Twilio,
    /// Vapi: a call, or its end-of-call report.
    Vapi,
}

/// What the caller says about a document that does not say it itself.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The language, whatever the document says.
    pub language: Option<Language>,
    /// What the document calls the agent.
    pub agent: Option<Text<64>>,
    /// What the document calls the customer.
    pub customer: Option<Text<64>>,
}

/// Why a document was not taken.
#[derive(Debug)]
pub enum Refused {
    /// It is not JSON.
    Malformed(serde_json::Error),
    /// Everything that is wrong with it.
    Faults(Vec<Fault>),
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::AssemblyAi,
        Self::Bland,
        Self::ContactLens,
        Self::Deepgram,
        Self::ElevenLabs,
        Self::OpenAi,
        Self::Retell,
        Self::Twilio,
        Self::Vapi,
    ];

    /// The format's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssemblyAi => "assemblyai",
            Self::Bland => "bland",
            Self::ContactLens => "contact_lens",
            Self::Deepgram => "deepgram",
            Self::ElevenLabs => "elevenlabs",
            Self::OpenAi => "openai",
            Self::Retell => "retell",
            Self::Twilio => "twilio",
            Self::Vapi => "vapi",
        }
    }

    /// The format of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Whether its documents say who is the agent and who the customer. The others have letters, numbers or names, and
    /// [`Hints`] say whose they are.
    pub fn knows_roles(self) -> bool {
        match self {
            Self::Bland | Self::ContactLens | Self::ElevenLabs | Self::Retell | Self::Vapi => true,
            Self::AssemblyAi | Self::Deepgram | Self::OpenAi | Self::Twilio => false,
        }
    }

    /// Reads a document.
    pub fn read(self, document: &[u8], hints: Hints) -> Result<Transcript, Refused> {
        let tree: Tree = serde_json::from_slice(document).map_err(Refused::Malformed)?;
        let root = Node::root(&tree);
        let mut turns = Turns::new(&hints);
        if !root.is_object() {
            turns.faults.invalid("body", "must be an object");
            return Err(Refused::Faults(turns.faults.into_inner()));
        }
        let language = match self {
            Self::AssemblyAi => labelled::assemblyai(&root, &mut turns),
            Self::Bland => platforms::bland(&root, &mut turns),
            Self::ContactLens => platforms::contact_lens(&root, &mut turns),
            Self::Deepgram => labelled::deepgram(&root, &mut turns),
            Self::ElevenLabs => platforms::elevenlabs(&root, &mut turns),
            Self::OpenAi => openai::openai(&root, &mut turns),
            Self::Retell => platforms::retell(&root, &mut turns),
            Self::Twilio => labelled::twilio(&root, &mut turns),
            Self::Vapi => platforms::vapi(&root, &mut turns),
        };
        let Found { faults, utterances } = turns.finish();
        let faults = faults.into_inner();
        if !faults.is_empty() {
            return Err(Refused::Faults(faults));
        }
        let language = hints.language.or(language);
        Ok(match utterances {
            turns::Utterances::Timed(utterances) => Transcript::of_checked(language, utterances),
            turns::Utterances::Untimed(utterances) => Transcript::untimed(language, utterances),
        })
    }
}

/// A language as platforms write it: `en_us` is `en-us`. What is no tag is left out: it is the platform's, not the caller's.
fn language(node: &Node<'_>) -> Option<Language> {
    node.text()?.replace('_', "-").parse().ok()
}

/// The role that a platform's word stands for; none also for what nobody said.
fn role(
    faults: &mut Faults,
    node: &Node<'_>,
    known: &BTreeMap<&str, Option<SpeakerRole>>,
) -> Option<SpeakerRole> {
    let found = node.text().and_then(|word| known.get(word));
    match (found, node.is_there()) {
        (Some(_), _) => {}
        (None, false) => faults.missing(node.path.clone()),
        (None, true) => {
            let words: Vec<String> = known.keys().map(|word| format!("`{word}`")).collect();
            let message = format!("must be one of {}", words.join(", "));
            faults.invalid(node.path.clone(), message);
        }
    }
    found.copied().flatten()
}
