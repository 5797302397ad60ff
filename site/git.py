"""Git in a temporary bare repository that reaches what the user's repository reaches.

It inherits the addresses and credentials of the user's repository, which is only read. Hooks do not
run.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from almbench.errors import UserError, unknown

OWN = ("core.hooksPath=/dev/null", "gc.auto=0", "maintenance.auto=false")
# What the temporary repository must know of the user's to reach the same places as the same user.
INHERITED_KEYS = re.compile(
    r"(?:url|http|credential|ssh|protocol|user|author|committer)\."
    r"|core\.(?:sshcommand|askpass|gitproxy)$"
    r"|remote\..+\.(?:url|pushurl|proxy|proxyauthmethod|uploadpack|receivepack|vcs)$"
)
# These would make git work on the repository of whoever started us, such as a hook.
FOREIGN_VARIABLES = re.compile(
    r"GIT_(?:DIR|WORK_TREE|INDEX_FILE|(?:ALTERNATE_)?OBJECT_DIRECTOR.*|COMMON_DIR|NAMESPACE|PREFIX)"
)
REMEDIES = {
    r"\[rejected\]|cannot lock ref|stale info": (
        "Somebody else changed the branch meanwhile. Nothing was overwritten; "
        "run the command again."
    ),
    r"[Nn]ot found|does not appear to be a git|Could not resolve|Failed to connect": (
        "Is the address right, is the network up, and may you see the repository?"
    ),
    r"could not read (Username|Password)|prompts disabled|Authentication failed"
    r"|Permission (to .* )?denied|error: 40[13]|Host key verification": (
        "Are your credentials right (an SSH key, or a token that may write)?"
    ),
    r"remote rejected": "The remote does not take this; its owner's rules decide.",
    r"tell me who you are|empty ident|auto-detect": (
        'Tell git who you are: git config --global user.name "A. Name", and user.email likewise.'
    ),
}


@dataclass
class Git:
    """Runs git; what git complains of becomes a `UserError`.

    Attributes:
        cwd: Where it runs; relative addresses of remotes start there.
        env: What is set beside this process's environment.
    """

    cwd: Path
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *args: str, doing: str = "work", stdin: bytes = b"") -> str:
        """Run a command; what it printed.

        Raises:
            UserError: It failed, or there is no git. `doing` says what could not be done.
        """
        env = {
            name: value
            for name, value in os.environ.items()
            if not FOREIGN_VARIABLES.fullmatch(name)
        }
        if not sys.stdin or not sys.stdin.isatty():
            env["GIT_TERMINAL_PROMPT"] = "0"
        settings = [part for setting in OWN for part in ("-c", setting)]
        try:
            done = subprocess.run(
                ["git", *settings, *args],
                cwd=self.cwd,
                env=env | {"LC_ALL": "C"} | self.env,
                input=stdin,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise UserError("bench publish needs git, which is not installed here.") from error
        if done.returncode:
            raise UserError(_complaint(doing, os.fsdecode(done.stderr)))
        return os.fsdecode(done.stdout)


def temporary_repository(folder: Path, repository: Path, remote: str) -> tuple[Git, str]:
    """Make the temporary repository.

    Args:
        folder: An empty folder for it.
        repository: The user's, or any folder where `remote` is an address.
        remote: A remote's name in `repository`, or an address or path.

    Returns:
        Git in the temporary repository, and the remote as this git knows it.

    Raises:
        UserError: There is no such remote, or no repository to look it up in.
    """
    if not repository.is_dir():
        raise UserError(f"--repository {repository} is not a folder.")
    if remote.startswith("-") or not remote:
        raise UserError(f"--remote '{remote}' is neither a remote's name nor an address.")
    bare = folder / "site.git"
    temp_git = Git(folder, {"GIT_DIR": str(bare)})
    temp_git("init", "-q", "--bare", "--template=", "--object-format=sha1", str(bare))
    user_git = Git(repository)
    is_path = Path(remote).exists()
    is_address = is_path or "://" in remote or re.match(r"[^/]+:", remote)
    address = str(Path(remote).resolve()) if is_path else remote
    try:
        inside = user_git("rev-parse", "--is-inside-work-tree").strip() == "true"
        names = user_git("remote").splitlines()
    except UserError as error:
        if is_address and "not a git repository" in str(error):
            return temp_git, address
        if "/" in remote:
            raise UserError(f"--remote {remote}: there is no such folder.") from error
        raise UserError(
            f"The remote '{remote}' cannot be looked up in {repository.resolve()}. {error} Name "
            "your repository with --repository PATH, or an address with --remote URL."
        ) from error
    if remote not in names:
        if not is_address:
            raise UserError(
                unknown("remote", remote, names, f"in {repository.resolve()}")
                + " An address will do, too: --remote URL."
            )
        remote = address
    else:
        remote = _push_address(user_git, remote)
    top = "--show-toplevel" if inside else "--absolute-git-dir"
    place = Path(user_git("rev-parse", top).removesuffix("\n"))
    _inherit_settings(user_git, temp_git, bare / "config")
    return Git(place, temp_git.env), remote


def _push_address(user_git: Git, remote: str) -> str:
    """The remote's name; or where it pushes to, if that is not where it reads from."""
    reads = user_git("remote", "get-url", "--all", remote).splitlines()
    pushes = user_git("remote", "get-url", "--push", "--all", remote).splitlines()
    if len(pushes) > 1:
        raise UserError(
            f"The remote '{remote}' pushes to {len(pushes)} addresses: "
            f"{masked(', '.join(pushes))}. Name one of them with --remote URL."
        )
    return remote if pushes == reads else pushes[0]


def _inherit_settings(user_git: Git, temp_git: Git, config: Path) -> None:
    """Write the settings that git finds in the user's repository only into temp_git.

    Not by `git config`, since tokens among them would show in the list of processes.
    """
    known = Counter(temp_git("config", "--list", "-z").split("\0"))
    lines = []
    for entry in user_git("config", "--list", "-z").split("\0"):
        if known[entry]:
            known[entry] -= 1
        elif INHERITED_KEYS.match(entry.partition("\n")[0]):
            key, equals, value = entry.partition("\n")
            section, name = key.split(".")[0], key.split(".")[-1]
            middle = key[len(section) + 1 : -len(name) - 1]
            lines.append(f"[{section} {_quoted(middle)}]" if middle else f"[{section}]")
            lines.append(f"{name} = {_quoted(value)}" if equals else name)
    with config.open("ab") as file:
        file.write(os.fsencode("".join(f"{line}\n" for line in lines)))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def masked(text: str) -> str:
    """Take user names, passwords and tokens out of the addresses in a text."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", text)


def _complaint(doing: str, stderr: str) -> str:
    lines = [" ".join(line.split()) for line in stderr.splitlines()]
    telling = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    message = masked("; ".join(telling[:3]) or "it does not say why")
    remedy = next(
        (remedy for pattern, remedy in REMEDIES.items() if re.search(pattern, stderr)), ""
    )
    return f"git could not {doing}: {message.rstrip('.')}. {remedy}".rstrip()
