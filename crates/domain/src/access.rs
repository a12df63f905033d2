//! Access to the console: four roles, four rights.

use crate::code::coded;

coded! {
    /// A user's role in a préfecture.
    pub enum Role {
        /// Answers questions at the counter.
        Lecteur = "lecteur",
        /// Acts: runs, letters, appointments, requests, marks.
        Operateur = "operateur",
        /// Checks: the ledger, reports, who has read what.
        Auditeur = "auditeur",
        /// Everything.
        Administrateur = "administrateur",
    }
}

/// The right that a page or an act requires. Nobody has a right that [`Role::may`] does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// None: for signing in.
    Anyone,
    /// Being signed in, in any role.
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
            // An auditor reads whatever can be checked without opening a person's file: counts, reports, hashes.
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
