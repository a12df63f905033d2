//! The e-mail that reports the state of the ledger to an outside witness after a night.

use mail_builder::MessageBuilder;
use mail_builder::headers::{address::Address, raw::Raw};

use super::Sender;
use convoke_domain::seal::Sealed;

/// Message-ID without angle brackets, and the message: the same on every attempt.
pub fn witness_mail(sealed: &Sealed, to: &str, sender: &Sender) -> (String, Vec<u8>) {
    let at = &sealed.checkpoint;
    let id = format!("checkpoint.{}.{}@{}", at.prefecture, at.size, sender.message_domain);
    let text = format!(
        "Gardez ce message : il atteste l’état du registre des convocations à la fin de l’exécution {}.\n\
         Celui qui voudrait réécrire le passé devrait aussi changer votre copie.\n\n{}\n\
         Pour comparer avec un rapport :   convoke verify DOSSIER --witness CE_MESSAGE\n\
         Pour comparer avec la base :      convoke ledger verify --witness CE_MESSAGE\n",
        at.run,
        sealed.text()
    );
    let mut bytes = Vec::new();
    // Unwrap safety: writing to memory cannot fail.
    MessageBuilder::new()
        .from(Address::new_address(Some(sender.from_name.as_str()), sender.from_address.as_str()))
        .to(to)
        .subject(format!("Registre {}, exécution {} : {} écritures", at.prefecture, at.run, at.size))
        .date(at.at.timestamp())
        .message_id(id.as_str())
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("Content-Language", Raw::new("fr"))
        .text_body(text)
        .serialize(&mut bytes);
    (id, bytes)
}
