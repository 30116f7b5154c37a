"""The packages of the command: what is in them, that two builds are equal, and that what installs them finds it."""

import fnmatch
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tomllib

import pytest

import aws

ROOT = aws.INFRA.parent
XTASK = os.environ["XTASK"]
TARGET, REPOSITORY = "x86_64-unknown-linux-musl", "https://github.com/website/purge-router"
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
NAME = f"purge-router-{VERSION}-{TARGET}"
CARGO_DEB = pathlib.Path(XTASK).parent / "cargo-deb/bin/cargo-deb"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Stands for the command, which is large: what is packaged does not depend on it."""
    file = tmp_path_factory.mktemp("program") / "purge-router"
    file.write_text(
        f"""#!/bin/sh
case $1 in
man) echo .TH > "$2/purge-router.1"; echo .TH > "$2/purge-router-explain.1" ;;
completions) echo "for $2" ;;
*) echo 'purge-router {VERSION}' ;;
esac
"""
    )
    return file


def release(program, folder, *options):
    """Packages a program. Returns the files by name."""
    arguments = ["--program", program, "--target", TARGET, "--repository", REPOSITORY, "--output", folder, *options]
    done = subprocess.run(
        [XTASK, "release", "command", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {file.name: file for file in folder.iterdir()}


@pytest.fixture(scope="module")
def packages(program, tmp_path_factory):
    return release(program, tmp_path_factory.mktemp("packages"), "--no-deb")


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_checksums_are_those_of_the_files(packages):
    listed = dict(reversed(line.split("  ")) for line in packages["SHA256SUMS"].read_text().splitlines())
    assert listed == {name: sha256(file) for name, file in packages.items() if name != "SHA256SUMS"}
    assert listed.keys() == {
        f"{NAME}.tar.gz",
        f"{NAME}.cdx.json",
        f"purge-router-{VERSION}.tar.gz",
        "purge-router.rb",
    }


def test_a_second_package_has_the_same_bytes(packages, program, tmp_path):
    again = release(program, tmp_path / "again", "--no-deb")
    assert again["SHA256SUMS"].read_text() == packages["SHA256SUMS"].read_text()


def test_the_tarball_has_a_program_that_runs(packages, program, tmp_path):
    with tarfile.open(packages[f"{NAME}.tar.gz"]) as tar:
        members = {it.name: it for it in tar.getmembers()}
        tar.extractall(tmp_path, filter="data")
    assert {name: oct(it.mode) for name, it in members.items()} == {
        f"{NAME}/purge-router": "0o755",
        f"{NAME}/LICENSE": "0o644",
        f"{NAME}/README.md": "0o644",
        f"{NAME}/CHANGELOG.md": "0o644",
        f"{NAME}/man/purge-router.1": "0o644",
        f"{NAME}/man/purge-router-explain.1": "0o644",
        f"{NAME}/completions/purge-router": "0o644",
        f"{NAME}/completions/_purge-router": "0o644",
        f"{NAME}/completions/purge-router.fish": "0o644",
    }
    assert (tmp_path / NAME / "completions/_purge-router").read_text() == "for zsh\n"
    assert {(it.mtime, it.uid, it.gid, it.uname) for it in members.values()} == {(0, 0, 0, "")}
    extracted = tmp_path / NAME / "purge-router"
    assert extracted.read_bytes() == program.read_bytes()
    printed = subprocess.run([extracted, "--version"], check=True, capture_output=True, text=True).stdout
    assert printed == f"purge-router {VERSION}\n"


def test_the_sources_can_be_built(packages):
    with tarfile.open(packages[f"purge-router-{VERSION}.tar.gz"]) as tar:
        names = set(tar.getnames())
    for needed in ("Cargo.toml", "Cargo.lock", "crates/cli/src/main.rs", "rust-toolchain.toml"):
        assert f"purge-router-{VERSION}/{needed}" in names


def test_the_components_are_those_of_the_command(packages):
    document = json.loads(packages[f"{NAME}.cdx.json"].read_text())
    root = document["metadata"]["component"]
    assert (document["bomFormat"], root["name"], root["type"]) == ("CycloneDX", "purge-router", "application")
    components = {it["name"]: it for it in document["components"]}
    assert {"clap", "aws-sdk-dynamodb", "rustls", "purge-router-core"} <= components.keys()
    # Those of the function, of tests, and what deny.toml forbids.
    assert not {"lambda_runtime", "insta", "assert_cmd", "ring", "purge-router-lambda"} & components.keys()
    assert all(it["licenses"] for it in components.values())
    assert re.fullmatch("[0-9a-f]{64}", components["clap"]["hashes"][0]["content"])


def test_the_formula_names_the_files_and_their_checksums(packages):
    formula = packages["purge-router.rb"].read_text()
    sums = dict(re.findall(r'url "(.+)"\n\s+sha256 "(\w+)"', formula))
    assert formula.startswith("class PurgeRouter < Formula\n") and "@" not in formula
    assert sums == {
        f"{REPOSITORY}/releases/download/v{VERSION}/{name}": sha256(packages[name])
        for name in (f"{NAME}.tar.gz", f"purge-router-{VERSION}.tar.gz")
    }
    assert f'version "{VERSION}"' in formula


def metadata():
    return tomllib.loads((ROOT / "crates/cli/Cargo.toml").read_text())["package"]["metadata"]


def test_binstall_finds_the_tarball_and_the_program_in_it(packages):
    """cargo-binstall replaces the names in braces."""
    values = {"repo": REPOSITORY, "version": VERSION, "name": "purge-router", "target": TARGET}
    values |= {"bin": "purge-router", "binary-ext": ""}
    filled = {
        key: re.sub(r"\{ (\S+) \}", lambda name: values[name[1]], text) for key, text in metadata()["binstall"].items()
    }
    address, _, file = filled["pkg-url"].rpartition("/")
    assert (address, filled["pkg-fmt"]) == (f"{REPOSITORY}/releases/download/v{VERSION}", "tgz")
    with tarfile.open(packages[file]) as tar:
        assert tar.getmember(filled["bin-dir"]).mode == 0o755


def test_the_debian_package_names_all_files_and_no_others(packages):
    """cargo-deb finds the program and what it writes where `cargo xtask release command` puts them: as in the tarball."""
    deb = metadata()["deb"]
    assert deb["maintainer"] and deb["section"] and deb["extended-description"] and deb["depends"] == ""
    with tarfile.open(packages[f"{NAME}.tar.gz"]) as tar:
        modes = {it.name.removeprefix(f"{NAME}/"): f"{it.mode:o}" for it in tar.getmembers()}
    packed = set()
    for asset, folder, mode in deb["assets"]:
        assert folder.startswith("usr/") and not folder.startswith("usr/local/"), folder
        built = asset.removeprefix("target/release/")
        if built == asset:
            assert (ROOT / "crates/cli" / asset).is_file(), asset
        names = {name for name in modes if fnmatch.fnmatchcase(name, built)} or {pathlib.Path(asset).name}
        assert names <= modes.keys() and {modes[name] for name in names} == {mode}, (asset, modes)
        packed |= names
    assert packed == modes.keys()


def test_a_program_that_does_not_run_here_needs_another_one(program, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF of another machine")
    arguments = ["--program", foreign, "--output", tmp_path / "out", "--no-deb"]
    done = subprocess.run(
        [XTASK, "release", "command", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1 and "name one of this release that does with --native" in done.stderr, done.stderr
    packages = release(foreign, tmp_path / "native", "--no-deb", "--native", program)
    with tarfile.open(packages[f"{NAME}.tar.gz"]) as tar:
        assert f"{NAME}/man/purge-router.1" in tar.getnames()
        assert tar.extractfile(f"{NAME}/purge-router").read() == foreign.read_bytes()


@pytest.mark.skipif(not CARGO_DEB.exists(), reason="`cargo xtask release command` has not installed cargo-deb yet")
def test_the_debian_package_has_the_program(program, tmp_path):
    packages = release(program, tmp_path / "deb")
    package = packages[f"{NAME}.deb"]
    show = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True).stdout
    fields = {
        name: show("dpkg-deb", "--field", package, name).strip()
        for name in ("Package", "Version", "Architecture", "Recommends", "Depends")
    }
    assert fields == {
        "Package": "purge-router",
        "Version": f"{VERSION}-1",
        "Architecture": "amd64",
        "Recommends": "ca-certificates",
        "Depends": "",
    }
    show("dpkg-deb", "--extract", package, tmp_path / "root")
    assert show(tmp_path / "root/usr/bin/purge-router", "--version") == f"purge-router {VERSION}\n"
    assert (tmp_path / "root/usr/share/doc/purge-router/copyright").exists()
    assert {file.name.removesuffix(".gz") for file in (tmp_path / "root/usr/share/man/man1").iterdir()} == {
        "purge-router.1",
        "purge-router-explain.1",
    }
    for file in ("bash-completion/completions/purge-router", "zsh/vendor-completions/_purge-router"):
        assert (tmp_path / "root/usr/share" / file).read_text().startswith("for ")
    again = release(program, tmp_path / "again")
    assert sha256(again[f"{NAME}.deb"]) == sha256(package)


@pytest.mark.parametrize("arguments", [["--target"], ["--unknown", "x"], ["x"]])
def test_misuse_is_explained(arguments):
    done = subprocess.run(
        [XTASK, "release", "command", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("usage: cargo xtask release command")
