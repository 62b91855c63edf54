"""A key endpoint for y-sealed in one file: Python 3.9 or newer, its standard library, nothing else.

    python3 key-endpoint.py --data keys.sqlite --users users.json --origin https://app.example --port 8788

It knows the whole contract: docs/write-your-own-endpoint.md. Put TLS in front, and your own login into `who_asks`. Whoever reads the
file of keys can read the documents: keep it on an encrypted disk, back it up, and treat the copy the same.
"""

import argparse
import contextlib
import hashlib
import json
import re
import secrets
import sqlite3
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 16 * 1024  # the longest request of the contract has half of it
MAX_DOCUMENT_ID_BYTES = 1024
MAX_HINT_UNITS = 256
RECORD_HASH = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # 32 bytes in base64url, in their one spelling

TABLES = """
CREATE TABLE IF NOT EXISTS keys (
    document BLOB NOT NULL, hint BLOB NOT NULL, epoch INTEGER NOT NULL, active INTEGER NOT NULL,
    key TEXT, record TEXT, PRIMARY KEY (document, hint), UNIQUE (document, epoch));
CREATE UNIQUE INDEX IF NOT EXISTS one_active_key ON keys (document) WHERE active = 1;
"""


class Refused(Exception):
    """Everything that is not a key: a status and a word, and nothing about what there is."""

    def __init__(self, status, error):
        super().__init__(error)
        self.status, self.error = status, error


def parse(body):
    """The question in a body, or 400: nothing is guessed, converted or cut."""
    try:
        asked = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(400, "malformed") from None
    if not isinstance(asked, dict) or not set(asked) <= {"documentId", "keyHint", "after", "record"}:
        raise Refused(400, "malformed")
    document, hint, after, record = (asked.get(name) for name in ("documentId", "keyHint", "after", "record"))
    if not 1 <= len(as_utf8(document)) <= MAX_DOCUMENT_ID_BYTES or "keyHint" not in asked:
        raise Refused(400, "malformed")
    for name in (hint, after):  # "" is a hint; only null is not
        if name is not None and len(as_utf8(name).decode("utf-8").encode("utf-16-le")) > 2 * MAX_HINT_UNITS:
            raise Refused(400, "malformed")
    if after is not None and hint is not None or record is not None and hint is None:
        raise Refused(400, "malformed")
    if record is not None and not (isinstance(record, str) and RECORD_HASH.fullmatch(record)):
        raise Refused(400, "malformed")
    return document, hint, after, record


def as_utf8(text):
    """Text as bytes, which the database compares one by one. Half a character has no UTF-8 and is refused."""
    try:
        return text.encode("utf-8")
    except (AttributeError, UnicodeEncodeError):
        raise Refused(400, "malformed") from None


def who_asks(headers, users):
    """Your login goes here. This one: a bearer token whose SHA-256 is in the file of users."""
    token = re.fullmatch(r"Bearer +(\S+)", headers.get("Authorization", ""))
    user = users.get(hashlib.sha256(token[1].encode("utf-8", "replace")).hexdigest()) if token else None
    if user is None:
        raise Refused(401, "unauthenticated")
    return user


def may_read(user, document):
    """Decided by your own records, and alike for documents that exist and that do not."""
    return any(
        document.startswith(name[:-1]) if name.endswith("*") else document == name for name in user["documents"]
    )


def answer(db, question, may_write):
    """One question, in one transaction: looking and making are one step, however many ask at once."""
    document, hint, after, record = question
    document = as_utf8(document)
    if hint is not None:
        if record is not None and may_write:  # the first that a writer reports is kept
            db.execute("UPDATE keys SET record = ? WHERE document = ? AND hint = ? AND record IS NULL",
                       (record, document, as_utf8(hint)))
        return the_key(db, "document = ? AND hint = ?", document, as_utf8(hint))
    if after is None:
        found = the_key(db, "document = ? AND active = 1", document, missing=None)
    else:
        found = the_key(db, "document = ? AND active = 1 AND epoch > (SELECT epoch FROM keys WHERE document = ? AND hint = ?)",
                        document, document, as_utf8(after), missing=None)
    if found:
        return found
    if not may_write:
        raise Refused(403, "refused")
    if after is not None:  # a hint of a key that a restored backup does not have: all who leave it find the next one
        insert(db, document, as_utf8(after), None)
    db.execute("UPDATE keys SET active = 0 WHERE document = ?", (document,))
    fresh = secrets.token_urlsafe(16).encode()
    insert(db, document, fresh, secrets.token_urlsafe(32))
    return the_key(db, "document = ? AND hint = ?", document, fresh)


def the_key(db, where, *values, missing=404):
    row = db.execute(f"SELECT key, hint, epoch, active, record FROM keys WHERE key IS NOT NULL AND {where}", values).fetchone()
    if row is None and missing is not None:
        raise Refused(missing, "key-unknown")
    return row and {"key": row[0], "keyHint": row[1].decode(), "epoch": row[2], "active": row[3] == 1, "record": row[4]}


def insert(db, document, hint, key):
    """Numbers rise, also after a restore: the time in microseconds, or one more than the last."""
    last = db.execute("SELECT max(epoch) FROM keys WHERE document = ?", (document,)).fetchone()[0] or 0
    db.execute("INSERT OR IGNORE INTO keys (document, hint, epoch, active, key) VALUES (?, ?, ?, ?, ?)",
               (document, hint, max(last + 1, time.time_ns() // 1000), int(key is not None), key))


@contextlib.contextmanager
def transaction(path):
    db = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous = FULL")  # what was answered is on disk
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    finally:
        db.close()  # without COMMIT: rolled back


def handler(options, users):
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "keys", ""
        timeout = 10  # slower senders hold a thread on purpose

        def respond(self):
            try:
                self.check_origin()
                if self.command == "OPTIONS":
                    return self.reply(204, None)
                if self.command != "POST":
                    raise Refused(405, "post-only")
                if self.path != "/keys":
                    raise Refused(404, "not-found")
                question = parse(self.body())
                user = who_asks(self.headers, users)
                if not may_read(user, question[0]):
                    raise Refused(403, "refused")
                with transaction(options.data) as db:
                    found = answer(db, question, user["role"] == "write")
                self.reply(200, found)
            except Refused as refused:
                self.reply(refused.status, {"error": refused.error})
            except Exception as error:  # its text may quote what was asked
                print(f"a request failed: {type(error).__name__}", flush=True)
                self.reply(500, {"error": "internal"})

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = respond

        def check_origin(self):
            """Before anything is read or made. What has no Origin comes from no page."""
            origin = self.headers.get("Origin")
            if origin is not None and origin not in options.origin:
                raise Refused(403, "origin-refused")

        def body(self):
            # JSON only: a form or text/plain would come from any page, without the browser asking first.
            if self.headers.get_content_type() != "application/json":
                raise Refused(415, "json-only")
            length = self.headers.get("Content-Length", "")
            if not re.fullmatch(r"\d{1,15}", length):
                raise Refused(400, "malformed")
            if int(length) > MAX_BODY_BYTES:
                raise Refused(413, "too-large")
            return self.rfile.read(int(length))

        def reply(self, status, said):
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Vary", "Origin")
            origin = self.headers.get("Origin")
            if origin in options.origin:
                self.send_header("Access-Control-Allow-Origin", origin)
                self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
                self.send_header("Access-Control-Allow-Methods", "POST")
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            if said is not None:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        def log_message(self, *_):
            """No log of requests: it would name documents."""

    return Handler


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=8788)
    options.add_argument("--data", default="keys.sqlite")
    options.add_argument("--users", required=True)
    options.add_argument("--origin", action="append", default=[])
    options = options.parse_args()
    with open(options.users, encoding="utf-8") as file:
        users = json.load(file)
    with contextlib.closing(sqlite3.connect(options.data)) as db:  # open to the end: whoever closes last cleans up, and that takes time
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(TABLES)
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(options, users))
        print(f"listening on http://127.0.0.1:{server.server_address[1]}/keys", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
