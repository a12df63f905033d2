//! Who may do what in the console: four roles, four rights.

use crate::code::coded;

coded! {
    /// What somebody is in a préfecture.
    pub enum Role {
        /// Answers questions at the counter.
        Lecteur = "lecteur",
        /// Acts: runs, letters, appointments, requests, marks.
        Operateur = "operateur",
        /// Checks: the ledger, reports, who has read what.
        Auditeur = "auditeur",
        /// All of it.
        Administrateur = "administrateur",
    }
}

/// What a page or an act asks for. Nobody has a right that [`Role::may`] does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing: the way in.
    Anyone,
    /// To be signed in, as whatever.
    SignedIn,
    /// To see people, nights, letters, seats.
    Read,
    /// To change something.
    Act,
    /// To see who did and read what.
    Audit,
}

impl Role {
    /// Whether this role has the right.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Anyone | Right::SignedIn => true,
            // An auditor reads what can be checked without seeing anybody's file: counts, reports, hashes.
            Right::Read => self != Self::Auditeur,
            Right::Act => matches!(self, Self::Operateur | Self::Administrateur),
            Right::Audit => matches!(self, Self::Auditeur | Self::Administrateur),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_reads_changes_nothing_and_who_checks_sees_nobody() {
        assert!(!Role::Lecteur.may(Right::Act) && !Role::Lecteur.may(Right::Audit));
        assert!(!Role::Auditeur.may(Right::Act) && !Role::Auditeur.may(Right::Read));
        assert!(!Role::Operateur.may(Right::Audit));
        assert!([Right::Read, Right::Act, Right::Audit].iter().all(|r| Role::Administrateur.may(*r)));
    }
}
