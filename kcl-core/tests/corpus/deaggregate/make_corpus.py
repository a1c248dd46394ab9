"""Writes the corpus: see README.md. Protobuf is written byte by byte, since most of these no library would write."""

import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent
MAGIC = bytes.fromhex("f3899ac2")


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def key(text):
    return chunk(1, text)


def hash_key(text):
    return chunk(2, text)


def record(key_index=None, hash_key_index=None, data=None, extra=b""):
    fields = b""
    if key_index is not None:
        fields += number(1, key_index)
    if hash_key_index is not None:
        fields += number(2, hash_key_index)
    if data is not None:
        fields += chunk(3, data)
    return chunk(3, fields + extra)


def sealed(message):
    return MAGIC + message + hashlib.md5(message).digest()


VALID = key(b"k") + record(0, None, b"data")
FULL = key(b"a") + key(b"b") + hash_key(b"5") + record(0, 0, b"one") + record(1, None, b"two") + record(0, None, b"")

CORPUS = {
    "plain": {
        "empty": b"",
        "text": b"just text",
        "three bytes of the magic": MAGIC[:3],
        "magic differs in the last byte": b"\xf3\x89\x9a\xc3" + sealed(VALID)[4:],
        "magic after the first byte": b"\0" + sealed(VALID),
    },
    "too-short": {
        "magic alone": MAGIC,
        "one byte less than a checksum": MAGIC + hashlib.md5(b"").digest()[:15],
        "checksum of nothing": sealed(b""),
    },
    "checksum-mismatch": {
        "checksum of zeros": MAGIC + VALID + bytes(16),
        "message changed": sealed(VALID).replace(b"data", b"DATA"),
        "cut by one byte": sealed(VALID)[:-1],
        "one byte too many": sealed(VALID) + b"\0",
        "checksum over the magic too": MAGIC + VALID + hashlib.md5(MAGIC + VALID).digest(),
        "shortest": MAGIC + b"\x0a" + bytes(16),
    },
    "aggregated": {
        "one record": sealed(VALID),
        "all fields": sealed(FULL),
        "no user records": sealed(key(b"k")),
        "only an unknown field": sealed(number(9, 1)),
        "tables after the records": sealed(record(0, 0, b"data") + hash_key(b"7") + key(b"k")),
        "empty key and empty data": sealed(key(b"") + record(0, None, b"")),
        "explicit hash key that is no number": sealed(key(b"k") + hash_key(b"many") + record(0, 0, b"data")),
        "explicit hash key of 2 pow 128": sealed(key(b"k") + hash_key(str(2**128).encode()) + record(0, 0, b"data")),
        "unused keys": sealed(key(b"k") * 50 + hash_key(b"1") * 50 + record(49, 49, b"data")),
        "tags": sealed(key(b"k") + record(0, None, b"data", chunk(4, chunk(1, b"tag") + chunk(2, b"value")))),
        "tag that is not a message": sealed(key(b"k") + record(0, None, b"data", chunk(4, b"\xff\xff"))),
        "unknown fields of every wire type": sealed(
            number(9, 1) + chunk(10, b"x") + varint(11 << 3 | 5) + bytes(4) + varint(12 << 3 | 1) + bytes(8) + VALID),
        "known fields of another wire type": sealed(
            number(1, 5) + number(3, 5) + key(b"k") + record(0, None, b"data", chunk(1, b"x") + number(3, 7))),
        "the last of several values": sealed(
            key(b"a") + key(b"b") + record(9, None, b"first", number(1, 1) + chunk(3, b"last"))),
        "padded varints": sealed(b"\x0a\x81\x00k" + b"\x1a\x8a\x80\x00" + b"\x08\x80\x00" + b"\x1a\x83\x80\x00abc"),
        "carrier inside a carrier": sealed(key(b"k") + record(0, None, sealed(VALID))),
        "one key for 300 records": sealed(key(b"k" * 40) + record(0, None, b"") * 300),
        "300 empty keys": sealed(key(b"") * 300),
    },
    "bad-message": {
        "a single byte": sealed(b"\x80"),
        "random bytes": sealed(bytes.fromhex("9d4e1c7783a2ff0b5de6c811")),
        "text": sealed(b"this is not protobuf at all"),
        "key length beyond the end": sealed(b"\x0a\x05abc"),
        "record length beyond the end": sealed(key(b"k") + b"\x1a\x7f\x08\x00\x1a\x00"),
        "data length beyond its record": sealed(key(b"k") + chunk(3, b"\x08\x00\x1a\x05abc") + key(b"more bytes")),
        "length of 2 pow 63": sealed(b"\x0a" + varint(2**63)),
        "length of 2 pow 64 less 1": sealed(b"\x0a" + varint(2**64 - 1)),
        "varint of eleven bytes": sealed(b"\x48" + b"\x80" * 10 + b"\x00"),
        "varint over 64 bits": sealed(b"\x48" + b"\xff" * 9 + b"\x02"),
        "field number zero": sealed(b"\x00\x00"),
        "field number too large": sealed(varint(2**29 << 3) + b"\x00"),
        "wire type 6": sealed(VALID + b"\x4e"),
        "wire type 7": sealed(VALID + b"\x4f"),
        "end of a group that did not start": sealed(VALID + b"\x4c"),
        "groups in groups": sealed(b"\x4b" * 500),
        "good records before a bad one": sealed(FULL + chunk(3, b"\x08\x00\x1a\xff")),
        "damage after the last record": sealed(FULL + b"\x0a"),
    },
    "missing-field": {
        "empty record": sealed(key(b"k") + chunk(3, b"")),
        "no data": sealed(key(b"k") + record(0)),
        "no partition key index": sealed(key(b"k") + record(None, None, b"data")),
        "partition key index of another wire type": sealed(key(b"k") + chunk(3, chunk(1, b"") + chunk(3, b"data"))),
        "300 empty records": sealed(chunk(3, b"") * 300),
        "good records before the one": sealed(FULL + record(0)),
    },
    "unknown-key": {
        "no table": sealed(record(0, None, b"data")),
        "index equal to the table length": sealed(key(b"k") + record(1, None, b"data")),
        "largest index": sealed(key(b"k") + record(2**64 - 1, None, b"data")),
        "no explicit hash key table": sealed(key(b"k") + record(0, 0, b"data")),
        "explicit hash key index equal to the table length": sealed(key(b"k") + hash_key(b"1") + record(0, 1, b"data")),
        "good records before the one": sealed(FULL + record(2, None, b"data")),
    },
    "key-not-utf8": {
        "partition key": sealed(key(b"\xff") + record(0, None, b"data")),
        "explicit hash key": sealed(key(b"k") + hash_key(b"\xc3\x28") + record(0, 0, b"data")),
        "half a surrogate pair": sealed(key(b"\xed\xa0\x80") + record(0, None, b"data")),
        "a key that no record uses": sealed(key(b"k") + key(b"\xff") + record(0, None, b"data")),
    },
}

for verdict, files in CORPUS.items():
    (HERE / verdict).mkdir(exist_ok=True)
    for name, data in files.items():
        (HERE / verdict / (name.replace(" ", "-") + ".bin")).write_bytes(data)
