//! The frame of every page: menu, title, user, the message shown once.

use super::assets;
use super::session::Agent;
use super::visit::Call;
use super::words::Words;
use convoke_domain::access::Right;

/// A menu entry.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) key: &'static str,
}

/// The menu, and the right that each entry requires.
const MENU: &[(Right, Entry)] = &[
    (Right::Read, Entry { path: "/", key: "menu-home" }),
    (Right::Read, Entry { path: "/executions", key: "menu-runs" }),
    (Right::Read, Entry { path: "/apercu", key: "menu-preview" }),
    (Right::Read, Entry { path: "/personnes", key: "menu-people" }),
    (Right::Read, Entry { path: "/creneaux", key: "menu-slots" }),
    (Right::Read, Entry { path: "/courriers", key: "menu-letters" }),
    (Right::Read, Entry { path: "/demandes", key: "menu-requests" }),
    (Right::Read, Entry { path: "/guichet", key: "menu-counter" }),
    (Right::Act, Entry { path: "/annulations", key: "menu-undo" }),
    (Right::Audit, Entry { path: "/audit", key: "menu-audit" }),
];

/// The frame of a page.
pub(super) struct Frame {
    /// Texts.
    pub(super) t: Words,
    /// `/94`.
    pub(super) base: String,
    /// Name of the préfecture.
    pub(super) office: String,
    /// Its title.
    pub(super) title: String,
    /// The address below [`Frame::base`].
    pub(super) here: String,
    pub(super) agent: Option<Agent>,
    /// Message shown once.
    pub(super) notice: Option<String>,
    pub(super) menu: Vec<&'static Entry>,
    pub(super) themed: bool,
    /// Version of style sheet and script: a new version has a new address.
    pub(super) version: &'static str,
    /// Version of the program.
    pub(super) program: &'static str,
}

impl Frame {
    /// Whether the user may also act.
    pub(super) fn acts(&self) -> bool {
        self.agent.as_ref().is_some_and(|a| a.role.may(Right::Act))
    }

    /// Whether a menu entry is the current one.
    pub(super) fn is_here(&self, entry: &Entry) -> bool {
        if entry.path == "/" { self.here == "/" } else { self.here.starts_with(entry.path) }
    }
}

impl Call<'_> {
    /// The frame of a page; `title` is the text key of its title.
    pub(super) fn frame(&self, title: &str) -> Frame {
        let (t, agent) = (self.words(), self.agent.clone());
        let base = self.base();
        let path = self.asked.uri.path();
        let here = path.strip_prefix(&base).unwrap_or(path).to_owned();
        let role = agent.as_ref().map(|a| a.role);
        let menu = MENU.iter().filter(|(right, _)| role.is_some_and(|role| role.may(*right))).map(|(_, e)| e).collect();
        let notice = agent.as_ref().and_then(|a| a.row.notice.clone());
        let office = self.config().settings.prefecture.name.clone();
        Frame {
            title: t.say(title),
            t,
            base,
            office,
            here,
            agent,
            notice,
            menu,
            themed: self.bureau.theme.has_style(),
            version: assets::version(),
            program: env!("CARGO_PKG_VERSION"),
        }
    }
}
