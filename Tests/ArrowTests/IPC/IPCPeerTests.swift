import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

/// pyarrow makes the data, with what Volley's own builders never make: odd nulls, shared and grown dictionaries,
/// metadata.
@Suite("Streams and files that pyarrow wrote")
struct IPCPeerTests {
  /// Makes cases, or compares `NAME.stream` and `NAME.file` with what was made of them.
  private static let peer = """
    import decimal, os, random, string, sys
    import pyarrow as pa
    folder, seed, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    random.seed(seed)

    def text(limit):
        return ''.join(random.choice('ab zé€😀') for _ in range(random.randrange(limit)))

    def integers(bits, signed):
        low, high = (-2**(bits-1), 2**(bits-1)-1) if signed else (0, 2**bits-1)
        return lambda: random.choice([low, high, 0, random.randint(low, high)])

    def lists(type, value, size=None):
        return (type, lambda: [optional(value) for _ in range(random.randrange(5) if size is None else size)])

    def optional(value):
        return None if random.random() < 0.2 else value()

    simple = [
        (pa.null(), lambda: None), (pa.bool_(), lambda: random.random() < 0.5),
        *[(t, integers(b, s)) for b, s, t in [
            (8, True, pa.int8()), (16, True, pa.int16()), (32, True, pa.int32()), (64, True, pa.int64()),
            (8, False, pa.uint8()), (16, False, pa.uint16()), (32, False, pa.uint32()), (64, False, pa.uint64()),
            (32, True, pa.date32()), (64, True, pa.duration('s')), (64, True, pa.duration('ms')),
            (64, True, pa.duration('us')), (64, True, pa.duration('ns')), (64, True, pa.timestamp('s')),
            (64, True, pa.timestamp('ms', 'UTC')), (64, True, pa.timestamp('us', 'Europe/Berlin')),
            (64, True, pa.timestamp('ns', '+07:30'))]],
        (pa.float16(), lambda: random.choice([0.0, -0.0, 1.5, -65504.0, float('inf')])),
        (pa.float32(), lambda: random.choice([0.0, 1.5, -1e30])), (pa.float64(), lambda: random.uniform(-1e300, 1e300)),
        *[(t, lambda: text(30)) for t in [pa.utf8(), pa.large_utf8(), pa.string_view()]],
        *[(t, lambda: random.randbytes(random.randrange(30))) for t in [pa.binary(), pa.large_binary(), pa.binary_view()]],
        (pa.binary(0), lambda: b''), (pa.binary(3), lambda: random.randbytes(3)), (pa.binary(16), lambda: random.randbytes(16)),
        (pa.date64(), lambda: random.randrange(-10**5, 10**5) * 86400000),
        (pa.time32('s'), lambda: random.randrange(86400)), (pa.time32('ms'), lambda: random.randrange(86400000)),
        (pa.time64('us'), lambda: random.randrange(86400 * 10**6)), (pa.time64('ns'), lambda: random.randrange(86400 * 10**9)),
        (pa.month_day_nano_interval(), lambda: (random.randrange(-9, 9), random.randrange(-9, 9), random.randrange(10**12))),
        (pa.decimal128(38, 10), lambda: decimal.Decimal(random.randrange(-10**20, 10**20)).scaleb(-10)),
        (pa.decimal128(5, -2), lambda: decimal.Decimal(random.randrange(-99999, 99999)).scaleb(2)),
    ]
    nested = [
        lists(pa.list_(pa.int32()), integers(32, True)), lists(pa.large_list(pa.utf8()), lambda: text(20)),
        lists(pa.list_(pa.field('element', pa.string_view())), lambda: text(20)),
        lists(pa.list_(pa.int16(), 3), integers(16, True), 3), lists(pa.list_(pa.bool_(), 0), lambda: True, 0),
        lists(pa.list_(pa.list_(pa.null())), lambda: [None] * random.randrange(3)),
        (pa.struct([('a', pa.int8()), ('b', pa.list_(pa.utf8()))]),
            lambda: {'a': optional(integers(8, True)), 'b': optional(lambda: [optional(lambda: text(9))])}),
        (pa.struct([pa.field('a', pa.int32(), nullable=False)]), lambda: {'a': random.randrange(9)}),
        (pa.struct([]), lambda: {}),
        (pa.map_(pa.utf8(), pa.int64()), lambda: [(text(5), optional(integers(64, True))) for _ in range(random.randrange(3))]),
        (pa.map_(pa.int32(), pa.list_(pa.date32()), keys_sorted=True), lambda: [(n, [n]) for n in range(random.randrange(3))]),
    ]

    def array(type, value, length):
        nulls = random.choice([0, 0.2, 1])
        start, tail = random.randrange(10), random.randrange(3)
        values = [None if random.random() < nulls else value() for _ in range(start + length + tail)]
        return pa.array(values, type).slice(start, length)

    def dictionary(index, value_type, value, length, count=10):
        values = pa.array([value() for _ in range(count)], value_type)
        rows = pa.array([None if random.random() < 0.2 else random.randrange(count) for _ in range(length + 3)], index)
        return pa.DictionaryArray.from_arrays(rows, values).slice(3, length)

    lengths = [7, 0, 1, 64, 65, 300]
    meta = {'k': 'v', 'empty': '', 'ü': 'ö'}

    def table(columns):
        fields = [pa.field(f'c{i}', arrays[0].type, metadata=random.choice([None, {'m': str(i)}])) for i, arrays in enumerate(columns)]
        schema = pa.schema(fields, metadata=meta)
        return [pa.RecordBatch.from_arrays(list(arrays), schema=schema) for arrays in zip(*columns)]

    def cases():
        for i, (type, value) in enumerate(simple + nested):
            yield f'type{i}', table([[array(type, value, n) for n in lengths]]), {}
        yield 'wide', table([[array(type, value, n) for n in lengths] for type, value in simple + nested]), {}
        yield 'none', [pa.RecordBatch.from_arrays([], schema=pa.schema([]))], {}
        # One dictionary for all batches of a file; views of one array.
        for i, (index, type, value) in enumerate([
                (pa.int8(), pa.utf8(), lambda: text(30)), (pa.uint8(), pa.int64(), integers(64, True)),
                (pa.int16(), pa.large_binary(), lambda: random.randbytes(3)), (pa.uint16(), pa.date32(), lambda: random.randrange(-9999, 9999)),
                (pa.uint32(), pa.bool_(), lambda: True), (pa.int64(), pa.string_view(), lambda: text(40)),
                (pa.uint64(), pa.decimal128(38, 0), lambda: decimal.Decimal(random.randrange(9))),
                (pa.int32(), pa.list_(pa.utf8()), lambda: [text(3)])]):
            whole = dictionary(index, type, value, 100)
            yield f'dictionary{i}', table([[whole.slice(3, n) for n in [0, 5, 90]]]), {}
        whole = dictionary(pa.int8(), pa.utf8(), lambda: text(9), 60)
        struct = pa.StructArray.from_arrays([whole, pa.array(range(60))], ['d', 'i'])
        inner = pa.ListArray.from_arrays(pa.array([0, 2, 2, 60], pa.int32()), struct)
        outer = pa.DictionaryArray.from_arrays(pa.array([2, 0, None, 1] * 5, pa.int16()), inner)
        yield 'nested', table([[struct.slice(n, 20) for n in [0, 7]], [outer, outer]]), {}
        yield 'inner', table([[outer.slice(n, 10) for n in [0, 5]]]), {}
        yield 'list', table([[inner, inner.slice(1, 2)]]), {}
        words = [text(12) + str(i) for i in range(60)]
        grown = [pa.DictionaryArray.from_arrays(pa.array([random.randrange(n) for _ in range(50)], pa.int32()), words[:n]) for n in [3, 3, 10, 60]]
        yield 'delta', table([grown]), {'emit_dictionary_deltas': True}
        yield 'delta-off', table([grown]), {}
        changed = [pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), [text(5), text(20)]) for _ in range(4)]
        yield 'replaced', table([changed]), {}
        # What stands below nulls: bytes that are no text, indices beyond the dictionary.
        odd = pa.StringArray.from_buffers(3, pa.array([0, 1, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b'a\\xff' + b'b'), pa.py_buffer(b'\\x05'))
        stray = pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int8(), 3, [pa.py_buffer(b'\\x05'), pa.py_buffer(b'\\x00\\xff\\x01')]), ['x', 'y'], safe=False)
        yield 'below-nulls', table([[odd], [stray]]), {}

    def opened(path, kind):
        reader = (pa.ipc.open_stream if kind == 'stream' else pa.ipc.open_file)(path)
        count = reader.num_record_batches if kind == 'file' else None
        return reader.schema, (list(reader) if kind == 'stream' else [reader.get_batch(i) for i in range(count)])

    only_streams = {'delta-off', 'replaced'}
    if mode == 'write':
        for name, batches, options in cases():
            for kind, make in [('stream', pa.ipc.new_stream), ('file', pa.ipc.new_file)]:
                if kind == 'file' and name in only_streams: continue
                with make(f'{folder}/{name}.{kind}', batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
                    for batch in batches: writer.write_batch(batch)
                print(f'{name}.{kind}')
    else:
        compared = 0
        for entry in sorted(os.listdir(folder)):
            if '.back' not in entry: continue
            original, kind = entry.split('.back.')
            expected_schema, expected = opened(f'{folder}/{original}', original.split('.')[1])
            schema, batches = opened(f'{folder}/{entry}', kind)
            assert schema.equals(expected_schema, check_metadata=True), f'{entry}: {schema} {expected_schema}'
            assert len(batches) == len(expected), entry
            for ours, theirs in zip(batches, expected):
                ours.validate(full='below-nulls' not in entry)
                same = ours.to_pylist() == theirs.to_pylist() if ours.schema.metadata and 'ict' in str(ours.schema) else ours.equals(theirs)
                assert same, f'{entry}: {ours.to_pydict()} {theirs.to_pydict()}'
            compared += 1
        print(compared)
    """

  private func run(_ folder: TemporaryFolder, _ seed: UInt64, _ mode: String) throws -> [String] {
    let outcome = TestProcess.python(Self.peer, arguments: [folder.path, "\(seed)", mode])
    try #require(outcome.status == 0, "\(outcome.errors) seed \(seed)")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  @Test("are read, and pyarrow finds the same in what is written of them")
  func bothWays() throws {
    let generator = SeededGenerator()
    let folder = TemporaryFolder()
    let names = try run(folder, generator.seed, "write")
    #expect(names.count > 110)
    var written = 0
    for name in names {
      let bytes = try MappedFile(folder.file(name)).bytes
      let schema = try IPCBatches.schema(of: bytes)
      let batches = try IPCBatches.read(bytes)
      if name.hasSuffix("stream") {
        let content = try #require(folder.read(name))
        #expect(try IPCBatches.read(content) { 1000 } == batches, "\(name) \(generator)")
      }
      folder.write("\(name).back.stream", try IPCBatches.stream(schema, batches))
      written += 1
      // What a stream may change from batch to batch, a file may not.
      guard name != "delta-off.stream", name != "replaced.stream" else { continue }
      folder.write("\(name).back.file", try IPCBatches.file(schema, batches, options: IPCWriteOptions(alignment: 8)))
      written += 1
    }
    #expect(try run(folder, generator.seed, "compare") == ["\(written)"])
  }
}
