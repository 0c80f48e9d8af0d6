//! The example `simulate` as a program: what it prints, what it draws, and how it ends.

#[path = "support/example.rs"]
mod example;

use std::fs;

use example::{folder, run};

/// The number before or after a word in a line that begins so.
fn number(text: &str, line: &str, after: &str) -> f64 {
    let line = text.lines().find(|text| text.starts_with(line)).unwrap_or_else(|| panic!("no {line}: {text}"));
    let rest = &line[line.find(after).unwrap_or_else(|| panic!("no {after}: {line}")) + after.len()..];
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().unwrap()
}

#[test]
fn the_same_arguments_give_the_same_transfer_and_another_seed_another() {
    let arguments = ["--bytes", "300k", "--loss", "3", "--jitter", "5ms", "--reorder", "2", "--duplicate", "1"];
    let first = run("simulate", &arguments);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(first.stdout.contains("complete, and what was sent"), "{}", first.stdout);
    assert!(number(&first.stdout, "link there", "datagrams: ") > 0.0, "{}", first.stdout);
    assert!(number(&first.stdout, "data packets", "again: ") > 1.0, "{}", first.stdout);
    assert_eq!(run("simulate", &arguments).stdout, first.stdout);
    let other = run("simulate", &[&arguments[..], &["--seed", "2"]].concat());
    assert_ne!(other.stdout, first.stdout);
}

#[test]
fn without_faults_nothing_is_sent_twice_and_the_link_is_used() {
    for congestion in ["fixed", "newreno", "cubic", "bbr"] {
        let arguments = ["--bytes", "2M", "--rate", "10M", "--queue", "1M", "--congestion", congestion];
        let end = run("simulate", &arguments);
        assert_eq!(end.code, Some(0), "{}", end.stderr);
        assert!(end.stdout.contains("1.000 transmissions per packet"), "{congestion}: {}", end.stdout);
        let share = number(&end.stdout, "goodput", "bit/s, ");
        assert!((75.0..100.0).contains(&share), "{congestion}: {}", end.stdout);
    }
}

#[test]
fn a_link_that_loses_everything_ends_with_an_error() {
    let end = run("simulate", &["--bytes", "1k", "--loss", "100"]);
    assert_eq!(end.code, Some(1));
    assert!(end.stdout.contains("FAILED, 0 of 1000 bytes arrived: no answer"), "{}", end.stdout);
}

#[test]
fn the_picture_shows_every_kind_of_happening_and_names_its_axes() {
    let file = folder("simulate_picture").join("transfer.svg");
    let file = file.to_str().unwrap();
    let link = ["--bytes", "1M", "--loss", "0.5", "--rate", "10M", "--queue", "10k", "--congestion", "newreno"];
    let end = run("simulate", &[&link[..], &["--plot", file]].concat());
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let svg = fs::read_to_string(file).unwrap();
    assert!(svg.trim_end().ends_with("</svg>"));
    for text in ["time in", "KiB", "milliseconds", "number of the segment", "sent (", "acknowledged (", "weighted mean"]
    {
        assert!(svg.contains(text), "no {text}");
    }
    let count = |text: &str| svg.split(text).nth(1).unwrap().split(')').next().unwrap().parse::<u64>().unwrap();
    let (again, lost, overflowed) = (count("sent again ("), count("by chance ("), count("queue full ("));
    assert!(again > 0 && lost > 0 && overflowed > 0, "{again} {lost} {overflowed}");
    // What was seen on the link is what the sender has counted.
    let sent = number(&end.stdout, "data packets", "data packets   ");
    assert!((sent - (count("sent (") + again) as f64).abs() <= 2.0, "{}", end.stdout);
}

#[test]
fn a_picture_that_can_not_be_written_is_an_error() {
    let end = run("simulate", &["--bytes", "1k", "--plot", "/no/such/folder/transfer.svg"]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("can not draw /no/such/folder/transfer.svg: No such file"), "{}", end.stderr);
}

/// What the README tells people to type works.
#[test]
fn the_command_of_the_readme_runs() {
    let command = "--example simulate -- ";
    let readme = include_str!("../README.md");
    let line = readme.lines().find_map(|line| line.split_once(command)).expect("a command in the README").1;
    let drawn = folder("simulate_readme").join("out.svg");
    let arguments: Vec<_> = line
        .split_whitespace()
        .map(|argument| if argument == "out.svg" { drawn.to_str().unwrap() } else { argument })
        .collect();
    let end = run("simulate", &arguments);
    assert_eq!(end.code, Some(0), "{line}: {}", end.stderr);
    assert!(drawn.exists());
}
