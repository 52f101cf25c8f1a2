#!/usr/bin/env python3
"""Writes the seed inputs of Tests/fuzz/corpus again: Tests/fuzz/make-corpus.py. Needs pyarrow."""
import datetime, decimal, io, os, struct, pyarrow as pa, pyarrow.ipc as ipc

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def write(folder, name, data):
    os.makedirs(os.path.join(here, folder), exist_ok=True)
    with open(os.path.join(here, folder, name), "wb") as file:
        file.write(data)


def table(array):
    return pa.table({"c": array})


def arrow():
    day = datetime.date(2024, 2, 29)
    time = datetime.datetime(2024, 2, 29, 12, 30, 1, 5)
    half = pa.array([1, None, 2]).cast(pa.float16())
    types = {
        "null": pa.nulls(3), "bool": pa.array([True, None, False]), "float16": half,
        "utf8": pa.array(["", None, "grüße"]), "largeutf8": pa.array(["a", None], pa.large_string()),
        "utf8view": pa.array(["short", None, "a text that is longer than twelve bytes"], pa.string_view()),
        "binary": pa.array([b"\0\xff", None]), "largebinary": pa.array([b"xy", None], pa.large_binary()),
        "binaryview": pa.array([b"xy", b"0123456789abcdef"], pa.binary_view()),
        "fixedbinary": pa.array([b"abc", None], pa.binary(3)),
        "date32": pa.array([day, None], pa.date32()), "date64": pa.array([day, None], pa.date64()),
        "time32": pa.array([1, None], pa.time32("ms")), "time64": pa.array([1, None], pa.time64("ns")),
        "timestamp": pa.array([time, None], pa.timestamp("us")),
        "timestampzone": pa.array([time], pa.timestamp("ns", "Europe/Berlin")),
        "duration": pa.array([5, None], pa.duration("s")),
        "interval": pa.array([pa.MonthDayNano([1, 2, 3]), None]),
        "decimal": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2)),
        "list": pa.array([[1, None], None, []], pa.list_(pa.int32())),
        "largelist": pa.array([["a"], None], pa.large_list(pa.string())),
        "fixedlist": pa.array([[1, 2], None], pa.list_(pa.int16(), 2)),
        "struct": pa.array([{"x": 1, "y": "a"}, None]),
        "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        "nested": pa.array([[{"k": [["x"], None]}]], pa.list_(pa.struct({"k": pa.list_(pa.list_(pa.string()))}))),
        "dictionary": pa.array(["a", "b", None, "a"]).dictionary_encode(),
        "listdictionary": pa.ListArray.from_arrays([0, 1, 2], pa.array(["a", "b"]).dictionary_encode()),
    }
    for width in (8, 16, 32, 64):
        types[f"int{width}"] = pa.array([1, None, -1], getattr(pa, f"int{width}")())
        types[f"uint{width}"] = pa.array([1, None, 2], getattr(pa, f"uint{width}")())
    for width in (32, 64):
        types[f"float{width}"] = pa.array([1.5, None, float("nan")], getattr(pa, f"float{width}")())
    for name, array in types.items():
        for kind, new in (("stream", ipc.new_stream), ("file", ipc.new_file)):
            out = io.BytesIO()
            with new(out, table(array).schema) as writer:
                writer.write_table(table(array))
            write("arrow", f"{name}.{kind}", out.getvalue())
    wide = pa.table({name: array.slice(0, 1) for name, array in types.items() if len(array) and name != "null"})
    out = io.BytesIO()
    with ipc.new_stream(out, wide.schema) as writer:
        writer.write_table(wide)
    write("arrow", "wide.stream", out.getvalue())
    for deltas in (False, True):
        out = io.BytesIO()
        type = pa.dictionary(pa.int32(), pa.string())
        with ipc.new_stream(out, pa.schema({"c": type}), options=ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)) as w:
            for values in (["a"], ["a", "b"], ["a", "b", "c"] if deltas else ["z"]):
                column = pa.DictionaryArray.from_arrays(pa.array([0, len(values) - 1], pa.int32()), pa.array(values))
                w.write_batch(pa.record_batch({"c": column}))
        write("arrow", "dictionary-deltas.stream" if deltas else "dictionary-replaced.stream", out.getvalue())
    for codec in ("lz4", "zstd"):
        out = io.BytesIO()
        with ipc.new_stream(out, pa.schema({"c": pa.string()}), options=ipc.IpcWriteOptions(compression=codec)) as w:
            w.write_table(table(pa.array(["abc" * 30])))
        write("arrow", f"{codec}.stream", out.getvalue())


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


# A field of protobuf that is delimited by its length, and a message of gRPC.
def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def framed(content):
    return b"\0" + struct.pack(">I", len(content)) + content


def flight():
    descriptor = field(1, varint(8) + varint(1) + field(3, b"path"))
    for name in ("bool", "int64", "utf8", "utf8view", "binary", "nested", "map", "struct", "fixedlist", "dictionary",
                 "dictionary-deltas", "dictionary-replaced"):
        with open(os.path.join(here, "arrow", name + ".stream"), "rb") as file:
            messages = list(ipc.MessageReader.open_stream(file))
        calls = [
            framed((descriptor if number == 0 else b"") + field(2, message.metadata.to_pybytes())
                   + (field(3, b"%d" % number) if number % 2 else b"")
                   + (field(1000, message.body.to_pybytes()) if message.body is not None else b""))
            for number, message in enumerate(messages)]
        write("flight", name, b"".join(calls))
        if name == "utf8":
            late = [framed(varint(32) + varint(300) + field(5000, b"unknown") + field(1000, b"first")) for _ in range(2)]
            write("flight", "unknown", calls[0] + b"".join(late) + framed(b"") + b"".join(calls[1:]))


# The first byte is the choice that FlightInput.swift takes.
def grpc():
    ticket = field(1, field(1, b"ticket"))
    time = field(3, varint(8) + varint(1500000000) + varint(16) + varint(5))
    endpoint = ticket + field(2, field(1, b"grpc://a:1")) + time + field(4, b"meta")
    descriptor = varint(8) + varint(1) + field(3, b"a") + field(3, "ü".encode())
    info = field(1, b"schema") + field(2, descriptor) + field(3, endpoint) + varint(32) + varint(7) + varint(48) + varint(1)
    poll = field(1, info) + field(2, descriptor) + varint(25) + struct.pack("<d", 0.5) + time
    for choice, content in enumerate((info, poll, endpoint, descriptor)):
        write("grpc", f"message{choice}", bytes([choice]) + content)
    head = (":method: POST\n:path: /arrow.flight.protocol.FlightService/DoGet\n:authority: a\ncontent-type: application/grpc+proto\n"
            "grpc-timeout: 10S\ngrpc-encoding: gzip\nx-bin: Zm8=,Zg\nauthorization: Bearer x")
    write("grpc", "request", bytes([4]) + head.encode())
    write("grpc", "response", bytes([4]) + b":status: 200\ncontent-type: application/grpc\ngrpc-status: 5\ngrpc-message: no%20%C3%BC%")
    write("grpc", "frames", bytes([5, 9]) + framed(b"abc") + framed(b"") + framed(bytes(300)))


# The first bytes are the choices that HTTPInput.swift takes.
def http1():
    for name, text in [
        ("get", "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n"),
        ("post", "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nexpect: 100-continue\r\n\r\nabcHEAD * HTTP/1.1\r\nhost: b\r\n\r\n"),
        ("chunked", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: v\r\n\r\n"),
        ("close", "GET / HTTP/1.1\r\nhost: a\r\nconnection: close, x\r\n\r\nmore"),
    ]:
        write("http1", name, bytes([200]) + text.encode())


def http2():
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    request = b"\x82\x86\x84\x00\x0a:authority\x01v"
    post = b"\x83\x86\x84\x41\x01v\x40\x01a\x03bcd\xbe"
    server = [
        frame(1, 5, 1, request) + frame(1, 4, 3, post) + frame(0, 0, 3, b"data") + frame(0, 9, 3, b"\x02ab\0\0"),
        frame(1, 0, 1, request) + frame(9, 0, 1) + frame(9, 4, 1, b"\x0f\x2b\x01x") + frame(3, 0, 1, bytes(4)),
        frame(4, 0, 0, struct.pack(">HIHIHI", 4, 100, 5, 20000, 1, 0)) + frame(8, 0, 0, struct.pack(">I", 1000)) + frame(6, 0, 0, bytes(8)),
        frame(2, 0, 5, struct.pack(">IB", 3, 15)) + frame(7, 0, 0, bytes(8) + b"bye") + frame(77, 1, 9, b"new"),
        frame(1, 0x2d, 1, b"\x01" + struct.pack(">IB", 0, 9) + request + b"\0") + frame(8, 0, 1, struct.pack(">I", 5)),
    ]
    client = [
        frame(1, 4, 1, b"\x88") + frame(0, 0, 1, b"data") + frame(1, 5, 1, b"\x00\x0bgrpc-status\x010"),
        frame(1, 4, 1, b"\x48\x03100") + frame(1, 5, 1, b"\x8d") + frame(3, 0, 3, struct.pack(">I", 7)) + frame(7, 0, 0, struct.pack(">II", 1, 0)),
        frame(5, 4, 1, struct.pack(">I", 2) + request) + frame(6, 1, 0, bytes(8)) + frame(4, 0, 0, struct.pack(">HI", 3, 1)),
    ]
    for role, inputs in enumerate((server, client)):
        for index, content in enumerate(inputs):
            write("http2", f"{('server', 'client')[role]}{index}", bytes([role, 255]) + content)
            write("http2", f"{('server', 'client')[role]}{index}-passive", bytes([role | 4, 7]) + content)


# The bytes before a document are the choices that CSVInput.swift and JSONLinesInput.swift take.
def csv():
    plain = {
        "rows": b"a,b,1\nc,d,2\n", "crlf": b"a,b,1\r\nc,d,2\r\n", "noend": b"a,b,1\nc,d,2",
        "quoted": b'"a","b","1"\n"x""y","p,q",2\n"line\r\nbreak",,\n', "spaces": b'  a , "b" , 1\n',
        "empty": b"\n,,\n\n", "unclosed": b'"a,b\nc,d,1\n', "after": b'"a"b,c,1\n', "more": b"a,b,1,2\na,b\n",
        "bad": b"a,b,x\n", "mark": b"\xef\xbb\xbfa,b,1\n", "utf16": b"\xff\xfea\0,\0", "notutf8": b"a\xff,\xc3,1\n",
    }
    for name, text in plain.items():
        write("csv", name, bytes([0, 0, 0, 200]) + text)
    header = b"c,a,skipped,b\n1,x,y,z\n"
    write("csv", "header", bytes([0, 1, 0, 200]) + header)
    write("csv", "missing", bytes([0, 0x61, 0, 3]) + b"b,x\n1,2,3\n4\n")
    write("csv", "escape", bytes([16, 0, 0, 200]) + b'a\\,b,"c\\"d",1\n')
    write("csv", "single", bytes([8, 2, 0, 1]) + b"'a''b';NA;1\n")
    write("csv", "noquote", bytes([12, 4, 0, 1]) + b'"a,\\N,1\n')
    write("csv", "comment", bytes([32, 128, 0, 4]) + b"skipped\n\"too\n# no row, \"this\na,b,1\n")
    write("csv", "return", bytes([128, 24, 0, 1]) + b'a,b,1\rc,"",2\r\n"\r",x,3\r')
    write("csv", "column", bytes([0, 0, 1, 0]) + b'a\n\n"b\n"\n')
    write("csv", "types", bytes([0, 0, 2, 9]) + b"true,-1,9223372036854775807,1e308,text,2024-02-29T12:30:01.5Z\n")
    write("csv", "numbers", bytes([0, 0, 3, 9]) + b"-128,18446744073709551615,65504,-inf,12345678901234567.891,AP8=\n")
    write("csv", "times", bytes([0, 0, 4, 9]) + b"2024-02-29,1969-12-31,23:59:59.999,00:00:00.000000001,2024-03-31T02:30:00Z,90\n")
    write("csv", "views", bytes([0, 0, 5, 9]) + b"large,a text that is longer than twelve bytes,YWJj,,7\n")


def jsonlines():
    def line(schema, name, *documents):
        write("jsonlines", name, bytes([schema, 6, 20]) + b"\n".join(documents) + b"\n")

    line(0, "rows", b'{"a":1,"b":"x","c":1.5,"d":true,"e":"2024-02-29T12:30:01Z"}', b'{"b":null,"a":-2,"f":{"g":[1]}}')
    line(0, "escapes", rb'{"b":"\u00fc\ud83d\ude00\n\"\\\/","\u0061":7}', rb'{"b":"\ud800"}')
    line(0, "bad", b"{", b"[]", b'{"a":1.5}', b'{"a":1}x', b"", b"  ", b'{"a":1,"a":2}', b'{"b":"\xff"}', b'{"c":1e999,"c":"NaN"}')
    line(1, "nested", b'{"l":[1,null,2],"s":{"x":1,"y":"a","z":["p",null]},"m":{"k":1.5,"n":null}}', b'{"l":[],"s":{},"m":{}}')
    line(1, "wrong", b'{"l":{},"s":[],"m":3}', b'{"l":[[[[[[[[1]]]]]]]],"s":{"z":[1]}}')
    line(2, "wide", b'{"a":-128,"b":18446744073709551615,"c":"Infinity","d":"1.25","e":"AP8=","f":"t","g":"YWJj"}', b'{"d":12345.678}')
    line(3, "times", b'{"a":"2024-02-29","b":"1969-12-31","c":"23:59:59.999","d":"00:00:00","e":"2024-03-31T02:30:00+02:00","f":9}')
    line(4, "lists", b'{"a":[1,2],"b":["x"],"c":"a text that is longer than twelve bytes","d":{"x":1}}', b'{"a":[1],"d":{}}')
    write("jsonlines", "mark", bytes([0, 0, 9]) + b'\xef\xbb\xbf{"a":1}\r\n{"a":2}')


def patterns():
    for index, (pattern, text) in enumerate([
        (r"(a|b)*c+?[^x-z]\d{2,3}$", "abcc12"), (r"(?i)^straße\b", "STRASSE Straße"), (r"%a_\%%", "xxab%yy"),
        (r"$.a[0]['b c'].d", '{"a":[{"b c":{"d":"x\\u00fcy"}}]}'), (r"(?P<n>\p{L}+)\s*=\s*(\S*?)", "näme = 5"),
        (r"x{0,200}(?:y|z)?.*?", "xxxyz"), (r"[[:alpha:]]+\Q.*\E", "ab.*"), (r"$[2].z", '[1,2,{"z":[true,null]}]'),
    ]):
        write("patterns", f"pattern{index}", pattern.encode() + b"\n" + text.encode())


for part in (arrow, csv, flight, grpc, http1, http2, jsonlines, patterns):
    part()
