// SPDX-License-Identifier: GPL-2.0
//! Compares the path of a cgroup with the rules of `container_names.tbl`. That file describes the
//! patterns.

use std::{fs, path::Path};

const TABLE: &str = include_str!("../../../../tools/bpf/nstop/container_names.tbl");

/// Digits of an id.
const ID_LEN: usize = 64;

/// The ends of names of units of systemd.
const UNITS: [&str; 6] = [".service", ".slice", ".scope", ".socket", ".mount", ".swap"];

enum Proof {
    Path,
    Guess,
    /// A file that has to exist, and one of its lines.
    File(&'static str, Option<&'static str>),
}

struct Rule {
    pattern: &'static str,
    runtime: &'static str,
    proof: Proof,
}

pub struct Rules(Vec<Rule>);

/// The container in a path.
pub struct Found<'a> {
    pub runtime: Option<&'static str>,
    pub id: &'a str,
    /// The path below its cgroup.
    pub rest: &'a str,
    /// The user who owns the name of the cgroup, or None for the system.
    pub user: Option<u32>,
    pub guess: bool,
}

pub enum Claim<'a> {
    Container(Found<'a>),
    /// A cgroup that is named like one, and is none.
    Other,
    Nothing,
}

pub fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

pub fn is_id(name: &str) -> bool {
    name.len() == ID_LEN && name.bytes().all(is_hex)
}

/// The number of bytes at the beginning that runtimes accept in a name.
fn name_len(text: &str) -> usize {
    let mut bytes = text.bytes();
    if !bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return 0;
    }
    1 + bytes
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.+:@-".contains(byte))
        .count()
}

/// Whether runtimes accept the text as a name.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && name_len(text) == text.len() && !is_unit(text)
}

fn is_unit(component: &str) -> bool {
    UNITS.iter().any(|unit| component.ends_with(unit))
}

fn ends_component(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

/// Compares `text` with the rest of a pattern, which began to match at `start`. Writes the last
/// `{id}` or `{name}` to `id`. Returns the text behind the match.
fn compare<'a>(
    pattern: &str,
    start: &str,
    text: &'a str,
    id: &mut Option<&'a str>,
) -> Option<&'a str> {
    if pattern.is_empty() {
        return ends_component(text).then_some(text);
    }
    let (rest, max, min, is_captured) = if let Some(rest) = pattern.strip_prefix("{id}") {
        let digits = text.bytes().take_while(|byte| is_hex(*byte)).count();
        (
            rest,
            if digits == ID_LEN { digits } else { 0 },
            ID_LEN,
            true,
        )
    } else if let Some(rest) = pattern.strip_prefix("{name}") {
        (rest, name_len(text), 1, true)
    } else if let Some(rest) = pattern.strip_prefix('*') {
        (rest, text.find('/').unwrap_or(text.len()), 1, false)
    } else {
        let first = pattern.chars().next()?;
        return compare(
            &pattern[first.len_utf8()..],
            start,
            text.strip_prefix(first)?,
            id,
        );
    };
    (min..=max).rev().find_map(|len| {
        let (word, behind) = text.split_at_checked(len)?;
        let before = &start[..start.len() - behind.len()];
        if is_captured && ends_component(rest) && is_unit(before) {
            return None;
        }
        let mut inner = if is_captured { Some(word) } else { *id };
        let behind = compare(rest, start, behind, &mut inner)?;
        *id = inner;
        Some(behind)
    })
}

/// Replaces each `\xNN`, which systemd writes for some characters.
pub fn unescape(path: &str) -> String {
    let mut parts = path.split("\\x");
    let mut whole = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|code| code.is_ascii_graphic() && *code != b'/') {
            Some(code) => {
                whole.push(code.into());
                whole.push_str(&part[2..]);
            }
            None => {
                whole.push_str("\\x");
                whole.push_str(part);
            }
        }
    }
    whole
}

impl Rule {
    fn parse(line: &'static str) -> Option<Rule> {
        let mut words = line.split_whitespace();
        let (pattern, runtime, proof) = (words.next()?, words.next()?, words.next()?);
        if pattern.starts_with('#') {
            return None;
        }
        let proof = match proof {
            "path" => Proof::Path,
            "guess" => Proof::Guess,
            _ => match proof.split_once(':') {
                Some((file, line)) => Proof::File(file, Some(line)),
                None => Proof::File(proof, None),
            },
        };
        Some(Rule {
            pattern,
            runtime,
            proof,
        })
    }

    /// Whether the proof is there. Without a `root`, a file proves nothing.
    fn is_proved(&self, root: Option<&Path>, id: &str) -> bool {
        let Proof::File(file, line) = &self.proof else {
            return true;
        };
        let Some(root) = root else { return false };
        let file = root.join(file.trim_start_matches('/').replace("{name}", id));
        match line {
            None => file.exists(),
            Some(line) => {
                fs::read_to_string(file).is_ok_and(|text| text.lines().any(|found| found == *line))
            }
        }
    }
}

impl Rules {
    pub fn new() -> Rules {
        Rules(TABLE.lines().filter_map(Rule::parse).collect())
    }

    /// Finds the outermost match in an unescaped path.
    pub fn claim<'a>(&self, path: &'a str, root: Option<&Path>) -> Claim<'a> {
        let mut user = None;
        let mut left = Some(path).filter(|path| !path.is_empty());
        while let Some(text) = left {
            left = text.split_once('/').map(|(_, rest)| rest);
            let found = self.0.iter().find_map(|rule| {
                let mut id = None;
                let rest = compare(rule.pattern, text, text, &mut id)?;
                let id = id?;
                rule.is_proved(root, id).then_some((rule, id, rest))
            });
            match found {
                Some((
                    Rule {
                        runtime: "user", ..
                    },
                    name,
                    _,
                )) => user = name.parse().ok().or(user),
                Some((Rule { runtime: "-", .. }, ..)) => return Claim::Other,
                Some((rule, id, rest)) => {
                    return Claim::Container(Found {
                        runtime: Some(rule.runtime).filter(|runtime| *runtime != "?"),
                        id,
                        rest: rest.trim_start_matches('/'),
                        user,
                        guess: user.is_some() || matches!(rule.proof, Proof::Guess),
                    })
                }
                None => {}
            }
        }
        Claim::Nothing
    }
}
