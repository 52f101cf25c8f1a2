import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("JSON-lines source and its peers") struct JSONLinesPeerTests {
  private let fields = [
    Field("i", .int64), Field("s", .utf8), Field("d", .float64), Field("b", .bool), Field("n", .int32),
  ]

  /// Made by Python's json module: escaped and unescaped text, nested members that no column takes, members left out.
  private let documents = """
    import random
    def document(seed, path):
        r = random.Random(seed)
        pieces = ['a', 'Bc', '\\u00e4', '\\u6f22', '\\U0001F680', '"', '\\\\', '/', '\\n', '\\t', '\\x00', '\\x1f', ' ', 'text without escapes', '\\u2028']
        def text(): return ''.join(r.choice(pieces) for _ in range(r.randrange(12)))
        def nested(depth):
            k = r.randrange(6 if depth < 4 else 4)
            if k == 0: return text()
            if k == 1: return r.random() * 10 ** r.randrange(-300, 300)
            if k == 2: return None
            if k == 3: return r.getrandbits(70) - 2 ** 69
            if k == 4: return [nested(depth + 1) for _ in range(r.randrange(4))]
            return {text(): nested(depth + 1) for _ in range(r.randrange(4))}
        with open(path, 'w', encoding='utf-8') as f:
            for _ in range(3000):
                o = {}
                if r.random() < .9: o['i'] = (r.getrandbits(64) - 2 ** 63) >> r.randrange(64)
                if r.random() < .9: o['s'] = r.choice([text(), text(), None])
                if r.random() < .9: o['d'] = r.choice([r.random(), (r.random() - .5) * 1e308, r.random() * 10 ** r.randrange(-320, 300), r.randrange(1000) / 100, r.randrange(10 ** 9), None])
                if r.random() < .9: o['b'] = r.choice([True, False, None])
                if r.random() < .9: o['n'] = r.randrange(-2 ** 31, 2 ** 31)
                if r.random() < .3: o['x' + text()] = nested(0)
                items = list(o.items())
                if r.random() < .2: r.shuffle(items)
                f.write(json.dumps(dict(items), ensure_ascii=r.random() < .5, separators=r.choice([(',', ':'), (', ', ': ')])) + '\\n')

    """

  @Test("random documents give what Python's json module gives")
  func pythonJSON() throws {
    let generator = SeededGenerator()
    let folder = TemporaryFolder()
    let path = folder.file("in.jsonl")
    let peer = TestProcess.python(
      canonicalPython + documents + """
        document(int(sys.argv[2]), sys.argv[1])
        with open(sys.argv[1], encoding='utf-8') as f:
            show(([o.get('i'), o.get('s'), None if o.get('d') is None else float(o['d']), o.get('b'), o.get('n')] for o in map(json.loads, f.read().split('\\n')[:-1])), 'lsdbi')
        """, arguments: [path, "\(generator.seed)"])
    #expect(peer.status == 0, "\(peer.errors)")
    for chunk in [61, 4096, 1 << 20] {
      let ours = canonical(try batches(of: try textSource("jsonlines", path, fields, chunkBytes: chunk)))
      #expect(ours == peer.output, "\(generator), chunks of \(chunk) bytes")
    }
  }

  @Test("random documents give what pyarrow gives")
  func pyarrow() throws {
    let generator = SeededGenerator()
    let folder = TemporaryFolder()
    let path = folder.file("in.jsonl")
    let peer = TestProcess.python(
      canonicalPython + documents + """
        import pyarrow as pa, pyarrow.json as pj
        document(int(sys.argv[2]), sys.argv[1])
        schema = pa.schema([('i', pa.int64()), ('s', pa.string()), ('d', pa.float64()), ('b', pa.bool_()), ('n', pa.int32())])
        table = pj.read_json(sys.argv[1], parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior='ignore'))
        show(zip(*[table[c].to_pylist() for c in 'isdbn']), 'lsdbi')
        """, arguments: [path, "\(generator.seed)"])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(canonical(try batches(of: try textSource("jsonlines", path, fields))) == peer.output, "\(generator)")
  }

  @Test("a line is refused exactly when Python's json module refuses it")
  func acceptance() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let seeds = [
      #"{"z":1.5e-3,"y":"a\u0041\n","x":[1,[],{}],"w":{"v":null}}"#, #"{"z":[true,false,null,-0,0.0,10,"é🚀"]}"#,
      #"{"z":""}"#, #"{}"#,
    ]
    let alphabet = Array(#"{}[]:,"\u0123456789eE+-.truefalsn AbD"#.utf8)
    var lines: [[UInt8]] = []
    for _ in 0..<4000 {
      var line = Array(seeds.randomElement(using: &generator)!.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<line.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: line.remove(at: place)
        case 1: line[place] = alphabet.randomElement(using: &generator)!
        default: line.insert(alphabet.randomElement(using: &generator)!, at: place)
        }
        if line.isEmpty { line = [123] }
      }
      lines.append(line)
    }
    // A first column tells the lines apart; no column takes the members, so they are only skipped.
    let path = folder.write("in.jsonl", lines.flatMap { $0 + [10] })
    let peer = TestProcess.python(
      """
      import json, sys
      def refuse(_): raise ValueError()
      for line in open(sys.argv[1], 'rb').read().split(b'\\n')[:-1]:
          # Text that is not read is not checked for UTF-8, so both sides leave that out; half surrogates are refused here.
          try:
              if not line.strip(b' \\t\\r'): continue
              value = json.loads(line.decode('latin-1'), parse_constant=refuse)
              good = isinstance(value, dict)
              json.dumps(value, ensure_ascii=False).encode('utf-8')
          except (ValueError, UnicodeEncodeError): good = False
          print(1 if good else 0)
      """, arguments: [path])
    #expect(peer.status == 0, "\(peer.errors)")
    let verdicts = peer.output.split(separator: "\n")
    let dead = folder.file("dead.jsonl")
    let source = try textSource("jsonlines", path, [Field("none", .int64)], badRecords: .deadLetter(path: dead))
    let accepted = try rows(of: source).count
    let refused = (folder.read("dead.jsonl") ?? []).filter { $0 == 10 }.count
    #expect(accepted == verdicts.filter { $0 == "1" }.count, "\(generator)")
    #expect(refused == verdicts.filter { $0 == "0" }.count, "\(generator)")
    // The same lines, not only as many of them.
    let whichLines = TestProcess.python(
      "import json, sys\nprint(*[json.loads(l)['line'] for l in open(sys.argv[1])])", arguments: [dead])
    let nonBlank = lines.enumerated().filter { $0.element.contains { ![32, 9, 13].contains($0) } }.map(\.offset)
    let expected = zip(nonBlank, verdicts).filter { $0.1 == "0" }.map { "\($0.0 + 1)" }.joined(separator: " ")
    #expect(whichLines.output == expected + "\n", "\(generator)")
  }
}
