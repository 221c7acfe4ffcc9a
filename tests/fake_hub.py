"""A hub of our own on loopback: repositories in memory, with every fault that a hub can have."""

import base64
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LARGE = 1_000  # bytes from which a file that is no text is kept as a large one, with its SHA-256
_TEXTS = (".csv", ".json", ".md", ".txt")


@dataclass
class Repository:
    """A repository: commits by their number, and the branches and tags that stand for them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    licence: str = ""
    base_model: str = ""
    gated: bool = False
    private: bool = True

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """Add a commit with these files beside those that the branch has; return its number."""
        whole = {**self.commits.get(self.refs.get(ref, ""), {}), **files}
        number = hashlib.sha1(repr((sorted(whole.items()), len(self.commits))).encode()).hexdigest()
        self.commits[number] = whole
        self.refs[ref] = number
        return number


@dataclass
class FakeHub:
    """The hub; tests change its fields while it runs.

    Attributes:
        repositories: By name.
        endpoint: Its address.
        requests: What was asked for, in order: method and path.
        agents: What the clients called themselves.
        status: Answer everything with this status.
        bytes_sent: Close the connection after so many bytes of a file.
        mends_after: Keep connections open from this many requests for files on; 0 for never.
        silent: Accept connections and never answer.
        wrong_content: Send other bytes of the same length.
        changed: Bytes that are sent as others of the same length, such as a class name.
        says: Answer everything with this text.
        fails_at: Answer requests with this in their method and path with status `fails_with`.
        fails_with: That status; clients try again for a while after 500.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    endpoint: str = ""
    requests: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    status: int = 0
    bytes_sent: int | None = None
    mends_after: int = 0
    silent: bool = False
    wrong_content: bool = False
    changed: tuple[bytes, bytes] | None = None
    says: str = ""
    fails_at: str = ""
    fails_with: int = 500
    uploaded: dict[str, bytes] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, name: str, files: dict[str, bytes], licence: str = "apache-2.0") -> str:
        """Add a repository with one commit; return its number."""
        repository = self.repositories[name] = Repository(licence=licence)
        return repository.commit(files)

    @property
    def downloads(self) -> list[str]:
        """The files that were sent."""
        return [
            line.rpartition("/resolve/")[2] for line in self.requests if line.startswith("GET") and "/resolve/" in line
        ]


@contextmanager
def run_fake_hub() -> Iterator[FakeHub]:
    """Yield a hub that runs until the block ends."""
    hub = FakeHub()

    class Handler(_Handler):
        fake = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *parts: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_PUT = do_POST

    def _answer(self, body: bytes) -> None:
        hub = self.fake
        path = urllib.parse.unquote(self.path)
        hub.requests.append(f"{self.command} {path}")
        hub.agents.add(self.headers.get("User-Agent", ""))
        if hub.silent:
            hub.closing.wait(60)
            self.close_connection = True
        elif hub.status or (hub.fails_at and hub.fails_at in hub.requests[-1]):
            self._send({"error": "out of order"}, hub.status or hub.fails_with)
        elif hub.says:
            self._send(hub.says.encode())
        elif path.startswith("/api/models/"):
            self._api(path.removeprefix("/api/models/"), body)
        elif path == "/api/validate-yaml":  # the metadata of a model card
            self._send({"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith("/info/lfs/objects/batch"):
            self._lfs_batch(json.loads(body))
        elif path.startswith("/lfs/"):
            hub.uploaded[path.removeprefix("/lfs/")] = body
            self._send({})
        elif "/resolve/" in path:
            self._file(path)
        else:
            self._send({"error": "not found"}, 404)

    def _repository(self, name: str) -> Repository | None:
        repository = self.fake.repositories.get(name)
        if repository is None:
            self._fail(401, "RepoNotFound")
        return repository

    def _commit_of(self, repository: Repository, revision: str) -> str | None:
        commit = revision if revision in repository.commits else repository.refs.get(revision)
        if commit is None:
            self._fail(404, "RevisionNotFound")
        return commit

    def _api(self, path: str, body: bytes) -> None:
        path = path.partition("?")[0]
        name = "/".join(path.split("/")[:2])
        action, _, revision = path.removeprefix(name).strip("/").partition("/")
        repository = self._repository(name)
        if repository is None:
            return
        if action == "preupload":
            asked = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "lfs" if _is_large(f["path"], f["size"]) else "regular"}
                for f in asked
            ]
            self._send({"files": [{**mode, "shouldIgnore": False} for mode in modes]})
        elif action == "commit":
            self._commit(name, repository, revision, body)
        elif commit := self._commit_of(repository, revision or "main"):
            siblings = [_sibling(file, content) for file, content in repository.commits[commit].items()]
            card = {"license": repository.licence} if repository.licence else {"base_model": repository.base_model}
            self._send({"id": name, "sha": commit, "siblings": siblings, "tags": [], "cardData": card})

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.fake.repositories:
            self._send({"error": "exists", "url": f"{self.fake.endpoint}/{name}"}, 409)
            return
        private = asked.get("visibility", "private" if asked.get("private") else "public") == "private"
        repository = self.fake.repositories[name] = Repository(private=private)
        repository.commit({})
        self._send({"url": f"{self.fake.endpoint}/{name}"})

    def _lfs_batch(self, asked: dict[str, Any]) -> None:
        objects = [
            {**entry, "actions": {"upload": {"href": f"{self.fake.endpoint}/lfs/{entry['oid']}"}}}
            for entry in asked["objects"]
        ]
        self._send({"transfer": "basic", "objects": objects}, kind="application/vnd.git-lfs+json")

    def _commit(self, name: str, repository: Repository, revision: str, body: bytes) -> None:
        files = {}
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.fake.uploaded[value["oid"]]
        if revision not in repository.refs:
            self._fail(404, "RevisionNotFound")
            return
        number = repository.commit(files, revision)
        self._send({"success": True, "commitOid": number, "commitUrl": f"{self.fake.endpoint}/{name}/commit/{number}"})

    def _file(self, path: str) -> None:
        name, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repository = self._repository(name)
        commit = repository and self._commit_of(repository, revision)
        if repository is None or commit is None:
            return
        if repository.gated and not self.headers.get("Authorization"):  # what it has can be seen by all
            self._fail(403, "GatedRepo")
            return
        content = repository.commits[commit].get(file)
        if content is None:
            self._fail(404, "EntryNotFound")
            return
        etag = _sibling(file, content).get("lfs", {}).get("sha256") or _blob_id(content)
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        sent = content[start:]
        if self.fake.wrong_content:
            sent = bytes(len(sent))
        if self.fake.changed:
            sent = sent.replace(*self.fake.changed)
        self.send_response(206 if start else 200)
        headers = {
            "X-Repo-Commit": commit,
            "ETag": f'"{etag}"',
            "Content-Length": str(len(sent)),
            "Accept-Ranges": "bytes",
        }
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        mended = 0 < self.fake.mends_after <= len(self.fake.downloads)
        if self.fake.bytes_sent is not None and start + len(sent) > self.fake.bytes_sent and not mended:
            self.wfile.write(sent[: max(self.fake.bytes_sent - start, 0)])
            self.close_connection = True
            return
        self.wfile.write(sent)

    def _fail(self, status: int, code: str) -> None:
        self._send({"error": code}, status, {"X-Error-Code": code})

    def _send(
        self, content: Any, status: int = 200, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for header, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_large(name: str, size: int) -> bool:
    return size >= _LARGE and not name.endswith(_TEXTS)


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": _blob_id(content)}
    if _is_large(name, len(content)):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
    return entry


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
