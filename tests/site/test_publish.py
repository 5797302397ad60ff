"""Publishing with real git, onto bare repositories on this disk."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.site.git import Git, temporary_repository
from almbench.site.output import MARKER, Output
from almbench.site.publish import FILE_LIMIT, expected_address, publish

Bench = Callable[..., subprocess.CompletedProcess[str]]


def git(*args: object, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *map(str, args)], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_site(root: Path, **files: str) -> Path:
    out = Output(root)
    for name, text in {"index": "<p>home</p>", **files}.items():
        out.write((f"{name}.html",), text.encode())
    out.write(("audio", "0123.flac"), bytes(range(256)))
    out.finish()
    return root


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests, but a name."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    settings = {"GLOBAL": os.devnull, "NOSYSTEM": "1", "COUNT": "2"}
    settings |= {"KEY_0": "user.name", "VALUE_0": "A. Tester"}
    settings |= {"KEY_1": "user.email", "VALUE_1": "a@example.org"}
    for name, value in settings.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git("init", "-q", "--bare", "the remote.git", cwd=tmp_path)
    return tmp_path / "the remote.git"


@pytest.fixture
def work(tmp_path: Path, bare: Path) -> Path:
    """A user's clone, with a commit, a staged file and an untracked one."""
    folder = tmp_path / "a clone"
    git("init", "-q", "-b", "main", folder, cwd=tmp_path)
    git("remote", "add", "origin", "../the remote.git", cwd=folder)
    (folder / "code.py").write_text("1\n")
    git("add", ".", cwd=folder)
    git("commit", "-qm", "code", cwd=folder)
    (folder / "staged.py").write_text("2\n")
    git("add", ".", cwd=folder)
    (folder / "code.py").write_text("3\n")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "my site", speech="one")


def shown_of(site: Path, work: Path, **options: str | bool) -> list[str]:
    lines: list[str] = []
    publish(site, repository=work, show=lines.append, **options)  # type: ignore[arg-type]
    return lines


def tree_of(bare: Path, branch: str = "gh-pages") -> list[str]:
    return git("ls-tree", "-r", "--name-only", branch, cwd=bare).splitlines()


def commit_by_hand(bare: Path, tmp_path: Path, name: str, text: str) -> None:
    """Somebody else's commit on gh-pages, pushed from a clone of theirs."""
    other = tmp_path / f"other {name}"
    git("clone", "-q", bare, other, cwd=tmp_path)
    fresh = not git("branch", "-r", "--list", "origin/gh-pages", cwd=other)
    git("switch", "-q", *(["--orphan"] if fresh else []), "gh-pages", cwd=other)
    (other / name).write_text(text)
    git("add", ".", cwd=other)
    git("commit", "-qm", f"Create {name}", cwd=other)
    git("push", "-q", "origin", "gh-pages", cwd=other)


def state(work: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(work.rglob("*")) if p.is_file()}


def test_publishes_and_leaves_the_repository_alone(site: Path, work: Path, bare: Path) -> None:
    before = state(work)
    lines = shown_of(site, work)
    assert tree_of(bare) == [MARKER, ".nojekyll", "audio/0123.flac", "index.html", "speech.html"]
    assert git("show", "gh-pages:speech.html", cwd=bare) == "one"
    assert git("log", "-1", "--format=%an <%ae>", "gh-pages", cwd=bare) == (
        "A. Tester <a@example.org>"
    )
    assert "5 new, 0 changed and 0 removed files (0.0 MB)" in lines[1]
    assert "a new branch" in lines[1]
    assert state(work) == before


def test_second_publish_is_a_commit_on_top(site: Path, work: Path, bare: Path) -> None:
    shown_of(site, work)
    first = git("rev-parse", "gh-pages", cwd=bare)
    assert "Nothing has changed" in shown_of(site, work)[-1]
    assert git("rev-parse", "gh-pages", cwd=bare) == first
    make_site(site, sound="two")
    lines = shown_of(site, work, message="Newer: “ß”")
    assert "2 new" not in lines[1]
    assert "1 new, 1 changed and 1 removed" in lines[1]
    assert tree_of(bare) == [MARKER, ".nojekyll", "audio/0123.flac", "index.html", "sound.html"]
    assert git("rev-parse", "gh-pages^", cwd=bare) == first
    assert git("log", "-1", "--format=%B", "gh-pages", cwd=bare) == "Newer: “ß”"
    assert git("rev-list", "--count", "gh-pages", cwd=bare) == "2"


def test_equal_sites_are_equal_trees(site: Path, work: Path, bare: Path, tmp_path: Path) -> None:
    shown_of(site, work)
    shown_of(make_site(tmp_path / "again", speech="one"), work, branch="other")
    assert git("rev-parse", "gh-pages^{tree}", cwd=bare) == git(
        "rev-parse", "other^{tree}", cwd=bare
    )


def test_what_others_put_beside_it_stays(
    site: Path, work: Path, bare: Path, tmp_path: Path
) -> None:
    shown_of(site, work)
    commit_by_hand(bare, tmp_path, "CNAME", "sound.example.org\n")
    assert "Nothing has changed" in shown_of(site, work)[-1]
    make_site(site, sound="two")
    shown_of(site, work)
    assert git("show", "gh-pages:CNAME", cwd=bare) == "sound.example.org"
    assert "speech.html" not in tree_of(bare)


def test_a_file_gives_way_to_a_folder(site: Path, work: Path, bare: Path) -> None:
    (site / "extra").write_text("a file")
    shown_of(site, work)
    (site / "extra").unlink()
    (site / "extra").mkdir()
    (site / "extra" / "ünï  cöde\t'\".txt").write_text("in a folder")
    shown_of(site, work)
    names = git("ls-tree", "-r", "-z", "--name-only", "gh-pages", cwd=bare).split("\0")
    assert "extra/ünï  cöde\t'\".txt" in names
    assert "extra" not in names


def test_a_branch_of_somebody_else_is_refused(
    site: Path, work: Path, bare: Path, tmp_path: Path
) -> None:
    commit_by_hand(bare, tmp_path, "thesis.html", "mine")
    before = git("rev-parse", "gh-pages", cwd=bare)
    with pytest.raises(UserError, match=r"did not make.*--branch"):
        shown_of(site, work)
    assert git("rev-parse", "gh-pages", cwd=bare) == before


def test_dry_run_pushes_nothing(site: Path, work: Path, bare: Path) -> None:
    lines = shown_of(site, work, dry_run=True)
    assert lines[1].startswith("Would push 5 new, 0 changed and 0 removed files")
    assert git("for-each-ref", cwd=bare) == ""


@pytest.mark.parametrize("fresh", [True, False])
def test_a_race_is_an_error(
    site: Path, work: Path, bare: Path, tmp_path: Path, *, fresh: bool
) -> None:
    if not fresh:
        shown_of(site, work)
        make_site(site, sound="two")

    def meanwhile(line: str) -> None:
        if line.startswith("Pushing"):
            commit_by_hand(bare, tmp_path, "meanwhile.html", "theirs")

    with pytest.raises(UserError, match=r"changed the branch meanwhile.*again"):
        publish(site, repository=work, show=meanwhile)
    assert git("show", "gh-pages:meanwhile.html", cwd=bare) == "theirs"
    assert "sound.html" not in tree_of(bare)


@pytest.mark.parametrize(
    "branch", ["", "a b", "a..b", "a:b", "+a", "-f", "x.lock", "a~1", "@{-1}", "a\nb", "a*"]
)
def test_hostile_names_of_branches(site: Path, work: Path, bare: Path, branch: str) -> None:
    try:
        shown_of(site, work, branch=branch)
    except UserError as error:
        assert "name of a branch (--branch)" in str(error)  # noqa: PT017 - or else published
        assert git("for-each-ref", cwd=bare) == ""
    else:
        assert branch in {"+a", "-f"}  # odd, but git allows them, and they are taken literally
        assert git("for-each-ref", "--format=%(refname)", cwd=bare) == f"refs/heads/{branch}"


def test_only_whole_sites(tmp_path: Path, site: Path, work: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(UserError, match="not a site made by bench site"):
        shown_of(tmp_path / "thesis", work)
    with pytest.raises(UserError, match="does not exist"):
        shown_of(tmp_path / "nowhere", work)
    (site / ".env").write_text("secret")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("x")
    assert "5 new" in shown_of(site, work, dry_run=True)[1]
    (site / "link").symlink_to(work / "code.py")
    with pytest.raises(UserError, match="is a link"):
        shown_of(site, work)
    (site / "link").unlink()
    (site / "a\nb").touch()
    with pytest.raises(UserError, match=r"line break.*a\\nb"):
        shown_of(site, work)
    (site / "a\nb").unlink()
    with pytest.raises(UserError, match="line break"):
        shown_of(make_site(tmp_path / "a\nfolder"), work)
    (site / "speech.html").unlink()
    with pytest.raises(UserError, match=r"speech\.html is missing"):
        shown_of(site, work)


def test_remotes(site: Path, work: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no remote 'orgin' in .* Did you mean 'origin'"):
        shown_of(site, work, remote="orgin")
    with pytest.raises(UserError, match=r"not a git repository.*--repository"):
        shown_of(site, tmp_path)
    with pytest.raises(UserError, match="not a folder"):
        shown_of(site, tmp_path / "nowhere")
    with pytest.raises(UserError, match="neither"):
        shown_of(site, work, remote="--upload-pack=touch x")
    with pytest.raises(UserError, match=r"not appear to be a git repository.*Is the address right"):
        shown_of(site, work, remote="file:///nowhere/at/all.git")
    shown_of(site, tmp_path, remote=bare.as_uri())
    assert "index.html" in tree_of(bare)


def test_settings_of_the_repository_count(site: Path, work: Path, bare: Path) -> None:
    git("remote", "set-url", "origin", "short:remote", cwd=work)
    git("config", f"url.{bare}.insteadOf", "short:remote", cwd=work)
    git("config", "user.name", "B. Local", cwd=work)  # the environment comes before it
    git("config", "core.hooksPath", "hooks", cwd=work)
    (work / "hooks").mkdir()
    (work / "hooks" / "pre-push").write_text("#!/bin/sh\nexit 1\n")
    (work / "hooks" / "pre-push").chmod(0o755)
    git("checkout", "-q", "--detach", cwd=work)
    shown_of(site, work)
    assert "index.html" in tree_of(bare)
    assert git("log", "-1", "--format=%an", "gh-pages", cwd=bare) == "A. Tester"


def test_reads_where_it_pushes(site: Path, work: Path, bare: Path, tmp_path: Path) -> None:
    shown_of(site, work)
    git("init", "-q", "--bare", "mine.git", cwd=tmp_path)
    git("config", "remote.origin.pushurl", "../mine.git", cwd=work)
    assert shown_of(site, work)[1].endswith("to branch gh-pages of ../mine.git, a new branch")
    assert "index.html" in tree_of(tmp_path / "mine.git")
    assert "Nothing has changed on branch gh-pages of ../mine.git" in shown_of(site, work)[-1]
    git("config", "--add", "remote.origin.pushurl", "https://me:s3cret@a.example/b", cwd=work)
    with pytest.raises(UserError, match=r"2 addresses: \.\./mine\.git, https://a\.example/b"):
        shown_of(site, work)


def test_hashes_are_those_that_hosts_take(
    site: Path, work: Path, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    shown_of(site, work)
    assert "index.html" in tree_of(bare)


def test_credentials_come_along(work: Path, tmp_path: Path) -> None:
    key, value = 'http.https://a.example/"x\\y".extraHeader', 'Authorization: "a\\b"; # c'
    git("config", key, value, cwd=work)
    git("config", "credential.helper", "", cwd=work)
    git("config", "core.worktree", tmp_path, cwd=work)
    (tmp_path / "shop").mkdir()
    inside, _ = temporary_repository(tmp_path / "shop", work, "origin")
    assert inside("config", "--get", key) == f"{value}\n"
    assert inside("config", "--get", "credential.helper") == "\n"
    assert "core.worktree" not in inside("config", "--list")


def test_a_token_is_not_shown(site: Path, work: Path) -> None:
    address = "https://me:s3cret@localhost:1/owner/repo.git"
    with pytest.raises(UserError, match="https://localhost:1/owner/repo") as error:
        shown_of(site, work, remote=address)
    assert "s3cret" not in str(error.value)


def test_identity_is_asked_for(
    site: Path, work: Path, monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    with pytest.raises(UserError, match=r"git config --global user\.name"):
        shown_of(site, work)


def test_no_git(site: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="needs git"):
        shown_of(site, work)


def test_the_remote_may_refuse(site: Path, work: Path, bare: Path) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(UserError, match="does not take this"):
        shown_of(site, work)


def test_github_refuses_large_files(site: Path, work: Path, bare: Path) -> None:
    with (site / "large.flac").open("wb") as file:
        file.truncate(FILE_LIMIT + 1)
    with pytest.raises(UserError, match=r"large\.flac has 100 MiB.*--max-clips"):
        shown_of(site, work, remote="https://github.com/owner/repo.git")


def test_expected_address(site: Path, work: Path, bare: Path, tmp_path: Path) -> None:
    shown_of(site, work)
    for address, expected in [
        ("https://github.com/Me/My-Codec.git", "https://me.github.io/My-Codec/"),
        ("https://x-access-token:abc@github.com/me/codec", "https://me.github.io/codec/"),
        ("git@github.com:me/Me.github.io.git", "https://me.github.io/"),
        ("ssh://git@ssh.github.com:443/me/codec.git/", "https://me.github.io/codec/"),
        ("ssh://git@github.com/me/codec", "https://me.github.io/codec/"),
        ("https://github.com.evil.org/a/b", None),
        ("https://gitlab.com/a/b", None),
        ("/srv/github.com/a/b", None),
    ]:
        assert expected_address(Git(bare), address, "gh-pages^{tree}") == expected, address
    commit_by_hand(bare, tmp_path, "CNAME", "sound.example.org\n")
    assert expected_address(Git(bare), "git@github.com:me/codec", "gh-pages^{tree}") == (
        "https://sound.example.org/"
    )


def test_command(bench: Bench, site: Path, work: Path, bare: Path) -> None:
    done = bench("publish", site, "--branch", "pages", "--message", "Mine", cwd=work)
    assert done.returncode == 0, done.stderr
    assert git("log", "-1", "--format=%s", "pages", cwd=bare) == "Mine"
    done = bench("publish", site, "--remote", "elsewhere", cwd=work)
    assert done.returncode == 2
    assert "no remote 'elsewhere'" in done.stderr
