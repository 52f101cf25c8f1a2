import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// Sources over compressed files, with a codec of the tests' own.
struct CompressedInputTests {
  private let folder = TemporaryFolder()
  private static let schema = [Field("line", .utf8)]

  private func lines(
    _ path: String, _ options: [JSONValue.Member] = [], codecs: CodecSet = ToyCodec.set
  ) throws -> [String] {
    let factory = try makeSource("lines", [.init("path", .string(path))] + options, Self.schema, codecs: codecs)
    return try rows(of: try factory.make(alone)).map { $0[0] ?? "null" }
  }

  private func refusal(_ body: () throws -> Void) -> Failure? {
    do {
      try body()
      return nil
    } catch {
      return error as? Failure
    }
  }

  /// A source with small chunks of input and of output.
  private func small(_ path: String, chunkBytes: Int) throws -> TextSource {
    let journal = SourceJournal(uid: "orders", log: nil)
    return try TextSource(
      .splits([FileSplit(path: path, start: 0, end: .max)]), decoder: LinesDecoder(column: Self.schema[0]),
      schema: Schema(Self.schema), policy: BadRecordPolicy(.stop, place: "source 'orders' (lines)"),
      maxRecordBytes: 1 << 20, journal: journal,
      compression: InputCompression(
        choice: .auto, codecs: ToyCodec.set, uid: "orders", place: "source 'orders' (lines)"),
      chunkBytes: chunkBytes)
  }

  @Test("a file is decompressed by its first bytes, whatever its name, and several wholes are one file")
  func magic() throws {
    let (first, second) = (ToyCodec.compress("a\nb\nc".utf8), ToyCodec.compress("d\ne\n".utf8))
    #expect(try lines(folder.write("a.txt", first)) == ["a", "b", "c"])
    #expect(try lines(folder.write("b.gz", first + second)) == ["a", "b", "cd", "e"])
    #expect(try lines(folder.write("c.toy", first + second + [0, 0, 0])) == ["a", "b", "cd", "e"])
    let none = ToyCodec.compress([])
    #expect(try lines(folder.write("d.toy", none + first + none + none + second)) == ["a", "b", "cd", "e"])
    #expect(try lines(folder.write("e.toy", none)) == [])
    // No whole at all is no row.
    #expect(try lines(folder.write("f.toy", "")) == [])
  }

  @Test("plain files beside compressed ones are read as they are")
  func mixed() throws {
    folder.write("1.txt", "plain\n")
    folder.write("2.txt", ToyCodec.compress("packed\n".utf8))
    folder.write("3.txt", "T")
    folder.write("4.txt", "TOYS\n")
    folder.write("5.txt", "TO")
    #expect(try lines(folder.file("[1235].txt")) == ["plain", "packed", "T", "TO"])
    #expect(try lines(folder.file("4.txt"), [.init("compression", .string("none"))]) == ["TOYS"])
  }

  @Test("a random document comes out the same in steps of any size")
  func random() throws {
    var random = SeededGenerator(seed: 31_415)
    for round in 0..<300 {
      let document = (0..<Int.random(in: 0...2000, using: &random)).map { _ in
        [UInt8(ascii: "\n"), 97, 98, 99, 0xC3][Int.random(in: 0...3, using: &random)]
      }
      var packed: [UInt8] = []
      var rest = document[...]
      while !rest.isEmpty {
        let part = rest.prefix(Int.random(in: 1...700, using: &random))
        rest = rest.dropFirst(part.count)
        packed += ToyCodec.compress(part, chunk: Int.random(in: 1...255, using: &random))
      }
      let path = folder.write("random.toy", packed)
      let plain = folder.write("random.txt", document)
      let chunk = Int.random(in: 1...300, using: &random)
      let expected = try rows(of: try small(plain, chunkBytes: chunk))
      #expect(try rows(of: try small(path, chunkBytes: chunk)) == expected, "round \(round), seed 31415")
    }
  }

  @Test("a cut file fails with its name and place wherever it is cut, but for between two wholes")
  func cut() throws {
    let whole = ToyCodec.compress("one\ntwo\n".utf8)
    let packed = whole + ToyCodec.compress("three\n".utf8)
    for count in 1..<packed.count {
      let path = folder.write("cut.toy", packed.prefix(count))
      if count == whole.count {
        #expect(try lines(path) == ["one", "two"])
        continue
      }
      let failure = refusal { _ = try lines(path) }
      let place = "source 'orders' (lines): \(path): cannot be decompressed behind byte \(count): "
      #expect(failure?.message.hasPrefix(place) == true, "cut at \(count): \(failure?.message ?? "no failure")")
      #expect(failure?.kind == .data)
    }
  }

  @Test("damaged data and what follows the last whole are failures of the data")
  func damaged() throws {
    let packed = ToyCodec.compress("one\ntwo\n".utf8)
    var bent = packed
    bent[6] ^= 1
    let path = folder.write("bent.toy", bent)
    let failure = refusal { _ = try lines(path) }
    #expect(failure?.kind == .data)
    #expect(
      failure?.message.hasPrefix(
        "source 'orders' (lines): \(path): cannot be decompressed behind byte 0: the sum is \(packed[packed.count - 1]), expected "
      ) == true)
    let garbage = folder.write("garbage.toy", packed + Array("tail".utf8))
    #expect(
      refusal { _ = try lines(garbage) }?.message
        == "source 'orders' (lines): \(garbage): cannot be decompressed behind byte \(packed.count): this is no TOY; the rows before "
        + "it may be processed already, so write the file anew and run the job again")
    // Its name says that it is compressed: its content is damaged, no text.
    let text = folder.write("text.toy", "no toy\n")
    #expect(refusal { _ = try lines(text) }?.message.contains("this is no TOY") == true)
    #expect(try lines(text, [.init("compression", .string("none"))]) == ["no toy"])
  }

  @Test("without the plugin the refusal names codec and plugin")
  func missing() throws {
    let gzip = folder.write("a.csv", [0x1F, 0x8B, 8, 0])
    #expect(
      refusal { _ = try lines(gzip, codecs: .none) }
        == Failure(
          .usage,
          "source 'orders' (lines): \(gzip): needs the codec 'gzip', which no plugin brings (they bring: none); build Plugins/codecs "
            + "and load it with --codec libcodecs.so"))
    let named = folder.write("b.zst", "x")
    #expect(refusal { _ = try lines(named, codecs: .none) }?.message.contains("needs the codec 'zstd'") == true)
    // An option is refused before any file is touched.
    let option = refusal {
      _ = try makeSource(
        "lines", [.init("path", .string("x")), .init("compression", .string("gzipp"))], Self.schema, codecs: .none)
    }
    #expect(
      option?.message
        == "source 'orders' (lines): needs the codec 'gzipp', which no plugin brings (they bring: none); load the plugin that does "
        + "with --codec; did you mean 'gzip'?")
  }

  @Test("a compressed file is not split, a plain one of its size is")
  func splits() throws {
    for (name, head, option, count) in [
      ("plain.txt", "plain", nil, 2), ("packed.txt", "TOY", nil, 1), ("plain.toy", "plain", nil, 1),
      ("packed.txt", "TOY", "none", 2), ("plain.txt", "plain", "toy", 1),
    ] as [(String, String, String?, Int)] {
      let path = folder.write(name, head)
      #expect(truncate(path, Int(FileSplit.size) + 1) == 0)
      let choice: InputCompression.Choice = option == nil ? .auto : option == "none" ? .plain : .codec("toy")
      let files = FileSet(
        patterns: [path], place: "here", isSplittable: true,
        compression: InputCompression(choice: choice, codecs: ToyCodec.set, uid: "orders", place: "here"))
      #expect(try files.splits().count == count, "\(name) \(option ?? "auto")")
    }
  }

  @Test("a pipe that gives one byte at a time is decompressed as well")
  func pipe() throws {
    for document in [
      ToyCodec.compress("a\nb\n".utf8) + ToyCodec.compress("c".utf8), Array("a\nb\nc".utf8), Array("TO\nb".utf8),
    ] {
      var ends: [Int32] = [0, 0]
      #expect(Glibc.pipe(&ends) == 0)
      let input = InputFile(descriptor: ends[0], name: "stdin")
      let decompressor = Decompressor(
        InputCompression(choice: .auto, codecs: ToyCodec.set, uid: "orders", place: "here"), rawBytes: 16)
      decompressor.restart(isStart: true)
      let window = ByteWindow(capacity: 64, maxRecordBytes: 1000)
      let wake = try WakePipe()
      for byte in document {
        var byte = byte
        #expect(write(ends[1], &byte, 1) == 1)
        var fill = try decompressor.fill(window, count: 8, from: input, waiting: .zero, wake: wake)
        while case .bytes = fill {
          fill = try decompressor.fill(window, count: 8, from: input, waiting: .zero, wake: wake)
        }
        guard case .nothing = fill else {
          Issue.record("the pipe has not ended")
          return
        }
      }
      close(ends[1])
      while case .bytes = try decompressor.fill(window, count: 8, from: input, waiting: .zero, wake: wake) {}
      let expected = ToyCodec.decompress(document) ?? document
      #expect(Array(UnsafeBufferPointer(start: window.first, count: window.count)) == expected)
      close(ends[0])
    }
  }

  @Test("a byte order mark of UTF-8 is skipped in compressed files, too, and UTF-16 is refused with a remedy")
  func marks() throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    #expect(try lines(folder.write("mark.toy", ToyCodec.compress(mark + Array("a\n".utf8)))) == ["a"])
    for (name, bytes) in [
      ("le.txt", [0xFF, 0xFE, 0x61, 0, 10, 0]), ("be.txt", [0xFE, 0xFF, 0, 0x61, 0, 10]), ("bare.txt", [0xFF, 0xFE]),
    ] as [(String, [UInt8])] {
      for packed in [bytes, ToyCodec.compress(bytes)] {
        let path = folder.write(name, packed)
        #expect(
          refusal { _ = try lines(path) }
            == Failure(
              .data,
              "\(path): begins with the byte order mark of UTF-16, expected UTF-8; convert it, as with 'iconv -f UTF-16 -t UTF-8'"
            ))
      }
    }
    // A mark elsewhere is no mark, and one byte of it is a bad record.
    let half = folder.write("half.txt", [0xFF, 10])
    #expect(refusal { _ = try lines(half) }?.message.contains("is not UTF-8") == true)
  }
}
