"""Generated forms, read by this server and by Werkzeug: where both accept, the File is the same; where one accepts, a reason is here.

Each form is a good one with a few oddities, drawn from a fixed seed. An oddity that makes the two differ has a name, and the tables
below say why they may. A difference without a named oddity fails, and so does an entry of a table that no form shows any more.
"""

from __future__ import annotations

import hashlib
import io
import random
import re
from collections import Counter
from dataclasses import dataclass, field

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from actors import Caller

SEED = 2046
FORMS = 4000
PURPOSE = "user_data"

# Both accept, and read something else.
READ_OTHERWISE = {
    "filename* of an unknown charset": "RFC 6266 section 4.3: it is ignored for the plain filename; Werkzeug takes it as it is written",
    "filename* before filename": "RFC 6266 section 4.3: it is preferred in any order; Werkzeug takes the last one",
    "encoded words": "RFC 2047, as .NET sends filenames; Werkzeug leaves them",
    "bare value of more than a token": "taken up to the semicolon; Werkzeug cuts it at the first odd character",
    "boundary behind a bare line break": "RFC 2046 section 5.1.1: only CRLF begins a delimiter, so this is content; Werkzeug ends the part",
}

# This server accepts, Werkzeug does not.
ONLY_VENNA = {
    "bare boundary of more than a token": "taken up to the semicolon; Werkzeug cuts it at the first odd character and finds no part",
    "boundary behind a bare line break": READ_OTHERWISE["boundary behind a bare line break"],
    "bare value of more than a token": READ_OTHERWISE["bare value of more than a token"],
}

# Werkzeug accepts, this server refuses with this message.
ONLY_WERKZEUG = {
    "boundary over 256 bytes": ("a named limit; RFC 2046 has 70", "longer than 256 bytes"),
    "boundary with a space at its end": ("RFC 2046 section 5.1.1: it could not be told from padding", "may not end with a space"),
    "preamble over 1 KiB": ("a named limit", "more than 1024 bytes before its first boundary"),
    "first boundary within a line": ("RFC 2046 section 5.1.1: it is none, and skipping it would lose a part", "beginning of a line"),
    "padding over 64 bytes": ("a named limit", "more than 64 bytes of spaces and tabs"),
    "padding of other white space": ("RFC 2046: padding is spaces and tabs", "neither a line break"),
    "LF behind a boundary": ("RFC 2046: lines end with CRLF", "ends with LF alone"),
    "content that begins a line with its boundary": ("RFC 2046 section 5.1.1: the beginning of the line is enough, so it is a broken delimiter", "neither a line break"),
    "LF between headers": ("RFC 2046: lines end with CRLF", "ends with LF alone"),
    "header without a colon": ("it is no header", "header that cannot be read"),
    "headers that begin with a fold": ("there is nothing that it continues", "header that cannot be read"),
    "over 16 headers": ("a named limit", "more than 16 headers"),
    "two dispositions": ("which is meant is not for a server to guess", "two Content-Disposition headers"),
    "parameter given twice": ("which is meant is not for a server to guess", "twice; give each once"),
    "parameter without a value": ("RFC 2045 section 5.1 has none", "Content-Disposition of a part cannot be read"),
    "text behind a quoted value": ("it may be a quote that was not escaped", "Content-Disposition of a part cannot be read"),
    "disposition other than form-data": ("RFC 7578 section 4.2", "must be form-data"),
    "filename in pieces": ("RFC 7578 section 4.2 forbids it", "gives its filename in pieces"),
    "encoded content": ("RFC 7578 section 4.7: stored as it is, it would be another file", "Content-Transfer-Encoding of a part must be"),
    "tab in a filename": ("a control character in a name", "control character U+0009"),
    "epilogue over 1 KiB": ("a named limit", "more than 1024 bytes after its closing boundary"),
}


@dataclass
class Sample:
    content_type: str
    body: bytes
    oddities: set[str]


class Generator:
    def __init__(self, rng: random.Random) -> None:
        self.rng, self.oddities = rng, set[str]()

    def odd(self, name: str, chance: float = 0.012) -> bool:
        """Whether this form gets the oddity."""
        drawn = self.rng.random() < chance
        if drawn:
            self.oddities.add(name)
        return drawn

    def any(self, *choices):
        return self.rng.choice(choices)

    def sample(self) -> Sample:
        boundary, parameter = self.boundary()
        self.delimiter = b"--" + boundary.encode()
        parts = [self.field("purpose", PURPOSE), self.file()]
        if self.rng.random() < 0.3:
            parts += [self.field("expires_after[anchor]", "created_at"), self.field("expires_after[seconds]", str(self.rng.randrange(3600, 2592000)))]
        self.rng.shuffle(parts)
        body = self.preamble() + self.delimiter + self.padding() + self.line_end()
        body += (b"\r\n" + self.delimiter + self.padding() + b"\r\n").join(parts)
        body += b"\r\n" + self.delimiter + b"--" + self.epilogue()
        kind = self.any("multipart/form-data", "Multipart/Form-Data", "multipart/form-data; charset=utf-8")
        return Sample(f"{kind}; {parameter}", body, self.oddities)

    def boundary(self) -> tuple[str, str]:
        """The boundary, and the parameter that names it."""
        letters = "0123456789abcdefABCDEF-_'+."
        of = lambda letters, least, most: "".join(self.rng.choices(letters, k=self.rng.randint(least, most)))
        if self.odd("boundary over 256 bytes"):
            boundary = of(letters, 257, 400)
        elif self.odd("boundary with a space at its end"):
            return (boundary := of(letters, 1, 30) + " "), f'boundary="{boundary}"'
        elif self.odd("bare boundary of more than a token"):
            boundary = self.any("----=_Part_", "===", "{2f1d-", "a@") + of("0123456789", 1, 9)
            return boundary, f"boundary={boundary}"
        else:
            boundary = self.any("*****", of(letters, 1, 70), of(letters, 71, 256), "---------------------------" + of("0123456789", 20, 30), of("*!#$%&^`{}|~", 1, 20), of("()/:=?@[]<>, ", 1, 20) + "x")
        if re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", boundary, re.ASCII) and self.rng.random() < 0.7:
            return boundary, self.any("boundary", "BOUNDARY") + f"={boundary}"
        return boundary, f'boundary="{boundary}"'

    def preamble(self) -> bytes:
        if self.odd("preamble over 1 KiB"):
            return b"p" * self.rng.randint(1025, 3000) + b"\r\n"
        if self.odd("first boundary within a line"):
            return self.any(b"junk", b"junk\r", b"\r\n ")
        return self.any(b"", b"", b"", b"\r\n", b"\n", b"junk\r\n", b"This is a message\r\nof several parts.\r\n\r\n", b"junk\n", b"j" * 1000 + b"\r\n")

    def padding(self) -> bytes:
        if self.odd("padding over 64 bytes", 0.006):
            return b" " * self.rng.randint(65, 200)
        if self.odd("padding of other white space", 0.006):
            return self.any(b"\v", b" \f")
        return self.any(b"", b"", b"", b"", b" ", b"\t", b" \t " * 20)

    def line_end(self) -> bytes:
        return b"\n" if self.odd("LF behind a boundary") else b"\r\n"

    def epilogue(self) -> bytes:
        if self.odd("epilogue over 1 KiB"):
            return b"\r\n" + b"e" * self.rng.randint(1025, 3000)
        return self.any(b"\r\n", b"\r\n", b"", b" \t\r\n", b"\r\nThat was all.\r\n", b"\r\n" + b"e" * 1000)

    def field(self, name: str, value: str) -> bytes:
        quoted = self.any(f'"{name}"', name if name.isalpha() else f'"{name}"')
        return self.headers(f"name={quoted}") + b"\r\n\r\n" + value.encode()

    def file(self) -> bytes:
        parameters = ['name="file"', *self.filename()]
        if parameters[-1].startswith("filename=") and self.rng.random() < 0.3:
            parameters.reverse()
        return self.headers(*parameters, file=True) + b"\r\n\r\n" + self.content()

    def filename(self) -> list[str]:
        good = self.any("a.txt", "r\u00e9sum\u00e9 \u4e16\u754c.pdf", "a b (1).txt", "100% sure.txt", "text/csv", "a;b.txt", "x")
        quoted = f'filename="{good}"'
        if self.odd("filename* of an unknown charset"):
            return [quoted, self.any("filename*=utf-16''a%00", "filename*=koi8-r'ru'%C1.txt", "filename*=plain.txt")]
        if self.odd("filename* before filename"):
            return ["filename*=UTF-8''starred%20name.txt", quoted]
        if self.odd("encoded words"):
            return ['filename="=?utf-8?B?5L2g5aW9LnR4dA==?="']
        if self.odd("bare value of more than a token"):
            return [self.any("filename=a=b.txt", "filename=a(1).txt", "filename=r\u00e9sum\u00e9.pdf", "filename=a/b.txt")]
        if self.odd("filename in pieces"):
            return ['filename*0="a"', 'filename*1="b.txt"']
        if self.odd("text behind a quoted value"):
            return ['filename="a" b.txt"']
        if self.odd("parameter given twice"):
            return [quoted, 'filename="other.txt"']
        if self.odd("tab in a filename"):
            return ['filename="a\tb.txt"']
        return self.any(
            [quoted],
            [quoted],
            ["filename=plain.txt"],
            [r'filename="say \"hi\".txt"'],
            [r'filename="C:\dir\x.txt"'],
            ['filename="say %22hi%22.txt"'],
            ['filename="fallback.txt"', "filename*=UTF-8''%e4%BD%a0%20b.txt"],
            ["filename*=iso-8859-1'en'%A3.txt"],
        )

    def headers(self, *parameters: str, file: bool = False) -> bytes:
        kind = "attachment" if self.odd("disposition other than form-data", 0.006) else self.any("form-data", "form-data", "Form-Data")
        if self.odd("parameter without a value", 0.006):
            parameters = (*parameters[:-1], "flag", parameters[-1])
        separator = self.any("; ", "; ", ";", " ; ", ";\r\n ", ";\r\n\t", "\r\n ;\r\n \t")
        disposition = self.any("Content-Disposition: ", "content-disposition:", "CONTENT-DISPOSITION: ", "Content-Disposition : ", "Content-Disposition:\r\n ")
        disposition += separator.join([kind, *parameters])
        lines = [disposition]
        if file or self.rng.random() < 0.3:
            lines.append(self.any("Content-Type: text/plain; charset=utf-8", "Content-Type: text/plain;\r\n charset=utf-8", "Content-Type:", "Content-Transfer-Encoding: binary", "Content-Length: 3", "X-Folded: a\r\n b\r\n\tc"))
        if self.odd("two dispositions", 0.006):
            lines.append(disposition)
        if self.odd("encoded content", 0.006):
            lines.append("Content-Transfer-Encoding: base64")
        if self.odd("header without a colon", 0.006):
            lines.append("no header")
        if self.odd("over 16 headers", 0.006):
            lines += [f"X-{number}: y" for number in range(self.rng.randint(16, 20))]
        self.rng.shuffle(lines)
        if self.odd("headers that begin with a fold", 0.006):
            lines[0] = " " + lines[0]
        if self.odd("LF between headers", 0.006):
            lines.append("X-Last: y")
            return "\n".join(lines).encode()
        return "\r\n".join(lines).encode()

    def content(self) -> bytes:
        near = self.delimiter[:-1]
        pieces = [b"", b"abc", b"\r\n", b"\r", b"\n", b"--", b"\r\n--", b"\r\n\r\n", near, b"\r\n" + near + b"\r\n", b"\r" + near, b"x" + self.delimiter + b"\r\n", bytes(range(256)), b"x" * 5000]
        content = b"".join(self.rng.choices(pieces, k=self.rng.randint(0, 8)))
        # Pieces must not come to a delimiter by their neighbours, nor by the line break before them.
        begun_line = re.compile(rb"(?:\r\n|\r|\n|^)" + re.escape(self.delimiter))
        while begun_line.search(content):
            content = begun_line.sub(b"", content)
        if self.odd("boundary behind a bare line break"):
            other = b'Content-Disposition: form-data; name="purpose"\r\n\r\nbatch' if self.rng.random() < 0.5 else b"text"
            content += self.any(b"\n", b"x\r") + self.delimiter + self.any(b"\n", b"\r\n") + other
        if self.odd("content that begins a line with its boundary"):
            content += b"\r\n" + self.delimiter + b"x\r\n"
        return content


@dataclass
class Read:
    """What a server makes of a form: a File, or why it is none."""

    file: tuple | None = None
    refusal: str | None = field(default=None, compare=False)


def read_by_werkzeug(sample: Sample) -> Read:
    """What a server that reads forms with Werkzeug would store."""
    boundary = parse_options_header(sample.content_type)[1].get("boundary", "")
    try:
        fields, files = MultiPartParser().parse(io.BytesIO(sample.body), boundary.encode("ascii"), len(sample.body))
    except (ValueError, TypeError, AttributeError, HTTPException) as error:
        return Read(refusal=repr(error))
    parts = [*fields.items(multi=True), *files.items(multi=True)]
    names = Counter(name for name, _ in parts)
    wanted = {"purpose", "file"} | ({"expires_after[anchor]", "expires_after[seconds]"} if "expires_after[anchor]" in names else set())
    if set(names) != wanted or len(files) != 1 or max(names.values()) > 1 or fields["purpose"] != PURPOSE:
        return Read(refusal=f"it has the parts {names}")
    content = files["file"].stream.read()
    seconds = fields.get("expires_after[seconds]")
    return Read((files["file"].filename, len(content), hashlib.sha256(content).hexdigest(), seconds and int(seconds)))


def read_by_venna(caller: Caller, sample: Sample) -> Read:
    answer = caller.post_form(sample)
    if answer.status == 400:
        return Read(refusal=answer.json()["error"]["message"])
    assert answer.status == 200, f"{answer}: {sample}"
    file = answer.json()
    seconds = file["expires_at"] - file["created_at"] if file.get("expires_at") else None
    return Read((file["filename"], file["bytes"], file["sha256"], seconds))


def explanation(sample: Sample, ours: Read, theirs: Read) -> list[str] | None:
    """The oddities that explain what the two made of a form; None when they differ for no reason."""
    if ours.file is not None and theirs.file is not None:
        return [] if ours.file == theirs.file else sorted(sample.oddities & READ_OTHERWISE.keys()) or None
    if ours.file is not None:
        return sorted(sample.oddities & ONLY_VENNA.keys()) or None
    if theirs.file is not None:
        named = [oddity for oddity in sample.oddities & ONLY_WERKZEUG.keys() if ONLY_WERKZEUG[oddity][1] in (ours.refusal or "")]
        return sorted(named) or None
    return []


def generate() -> list[Sample]:
    rng = random.Random(SEED)
    return [Generator(rng).sample() for _ in range(FORMS)]


def test_forms_are_read_as_werkzeug_reads_them(ada: Caller) -> None:
    alike, seen, unexplained = 0, Counter(), []
    for sample in generate():
        ours, theirs = read_by_venna(ada, sample), read_by_werkzeug(sample)
        reasons = explanation(sample, ours, theirs)
        if reasons is None:
            unexplained.append(f"{sample}\n  ours:   {ours}\n  theirs: {theirs}")
        seen.update((("both" if ours.file else "werkzeug") if theirs.file else "venna", reason) for reason in reasons or [])
        alike += ours.file is not None and ours.file == theirs.file
    assert not unexplained, f"{len(unexplained)} differ for no reason, the first:\n" + "\n".join(unexplained[:5])
    tables = {"both": READ_OTHERWISE, "venna": ONLY_VENNA, "werkzeug": ONLY_WERKZEUG}
    stale = [(who, reason) for who, table in tables.items() for reason in table if not seen[who, reason]]
    assert not stale, f"these differences are not seen any more: {stale}"
    assert alike > FORMS * 0.6, f"only {alike} of {FORMS} forms are read by both"


@pytest.mark.parametrize("body", [b"", b"--", b"\r\n\r\n", b"--B--", b"--B\r\n", b"--B\r\n\r\n"])
def test_what_has_no_part_is_no_file_for_either(ada: Caller, body: bytes) -> None:
    sample = Sample("multipart/form-data; boundary=B", body, set())
    assert read_by_venna(ada, sample).file is None and read_by_werkzeug(sample).file is None
