//! How fast letters are made, whole (text, HTML, calendar, PDF, e-mail): on one thread, on two, and the memory of 20,000.
//! Against one process a letter, which is how a program without a warm engine would do it. `script/bench letters`.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{Days, NaiveDate, NaiveTime};
use convoke_letters::{LetterData, Matter, Sender, Templates};
use convoke_machine::clock::Stopwatch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: [&str; 8] = [
    "Amélie N’Guessan-Lefèvre",
    "Mohamed Ben Exemple",
    "Nguyễn Thị Invention",
    "Żaneta Przykładowa",
    "José Ejemplo de la Prueba",
    "Fatoumata Modèle",
    "Li Xiaofang",
    "Zübeyde Örnek",
];

/// The letter of the `n`th person: name, address, date and place differ from one to the next.
fn letter(n: usize) -> LetterData {
    let mut data = LetterData::sample();
    data.reference = convoke_domain::ids::Reference::new("94", 2026, n as i64 + 1).to_string();
    data.recipient.name = format!("{} {}", NAMES[n % NAMES.len()], n / NAMES.len());
    data.recipient.address[1] = format!("{} rue des Tilleuls", n % 300 + 1);
    let day = |from: u64| NaiveDate::from_ymd_opt(2026, 10, 27).unwrap() + Days::new(from);
    data.recipient.language = std::env::var("LANGUE").unwrap_or_else(|_| "fr".into());
    data.permit.expires_on = day(20 + n as u64 % 40);
    if let Matter::Convocation(convoked) = &mut data.matter {
        convoked.appointment.day = day(n as u64 % 20);
        convoked.appointment.start = NaiveTime::from_hms_opt(9 + n as u32 % 7, n as u32 % 3 * 20, 0).unwrap();
    }
    data
}

fn sender() -> Sender {
    Sender {
        from_name: "Préfecture du Val-de-Marne".into(),
        from_address: "convocations@prefecture-94.example".into(),
        message_domain: "prefecture-94.example".into(),
        sent_at: None,
    }
}

/// Letters made a second on so many threads; and the bytes of PDF of one letter, on average.
fn rate(templates: &Templates, threads: usize, letters: usize, watch: impl Fn(usize) + Sync) -> (f64, f64) {
    let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let started = Stopwatch::start();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= letters {
                        return;
                    }
                    let made = templates.compose(&letter(n), &sender()).expect("a letter");
                    bytes.fetch_add(made.pdf.expect("a PDF").len(), Ordering::Relaxed);
                    watch(n);
                }
            });
        }
    });
    let seconds = started.seconds();
    (letters as f64 / seconds, bytes.into_inner() as f64 / letters as f64)
}

/// A line of `/proc/self/status`, in MiB.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    found.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn main() {
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let letters = number("LETTERS", 20_000);
    let templates = Templates::embedded();
    rate(&templates, 1, 200, |_| {});

    // Interleaved, because the machine is noisy: the best of three of each.
    let (mut one, mut two, mut size) = (0.0f64, 0.0f64, 0.0);
    for _ in 0..3 {
        let (r, bytes) = rate(&templates, 1, 1_000, |_| {});
        (one, size) = (one.max(r), bytes);
        two = two.max(rate(&templates, 2, 1_000, |_| {}).0);
    }
    println!("one thread, warm      {one:8.0} letters/s   (250 wanted of French ones; LANGUE=ar, zh for others)");
    println!("two threads, warm     {two:8.0} letters/s   {:.2} times one (1.6 wanted)", two / one);
    println!("PDF of a letter       {:8.1} KB on average   (45 at most)", size / 1_000.0);

    let at_5000 = std::sync::Mutex::new(f64::NAN);
    rate(&templates, 2, letters, |n| {
        if n == 5_000 {
            *at_5000.lock().unwrap() = memory("VmRSS");
        }
    });
    let (early, late) = (*at_5000.lock().unwrap(), memory("VmRSS"));
    println!("memory, {letters} letters  {:8.1} MiB peak RSS   (150 at most)", memory("VmHWM"));
    println!("growth after 5,000    {:8.1} MiB   (10 at most)", late - early);

    // The same program, begun anew for each letter.
    let Some(program) = std::env::var_os("CONVOKE") else { return };
    let folder = std::env::var_os("OFFICE").expect("OFFICE is the folder of a convoke.toml");
    let processes = 20;
    let started = Stopwatch::start();
    for _ in 0..processes {
        let done = Command::new(&program)
            .args(["letters", "preview", "--kind", "convocation", "--lang", "fr", "--quiet", "--out", "letter"])
            .current_dir(&folder)
            .output()
            .expect("convoke");
        assert!(done.status.success(), "{done:?}");
    }
    let cold = f64::from(processes) / started.seconds();
    println!("a process a letter    {cold:8.1} letters/s   warm is {:.1} times as fast", one / cold);
}
