import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("Compressed buffers of Arrow IPC")
struct IPCCompressionTests {
  private static let codecs = [SystemCodec.lz4, SystemCodec.zstd]

  private static var options: IPCReadOptions {
    var options = IPCReadOptions()
    options.codecs = CodecSet(codecs)
    return options
  }

  @Test("are read as pyarrow wrote them, and pyarrow reads what is written")
  func bothWays() throws {
    var generator = SeededGenerator()
    for (codec, name) in zip(Self.codecs, ["lz4", "zstd"]) {
      for length in [0, 1, 50, 3000] {
        let folder = TemporaryFolder()
        let batch = IPCBatches.random(length, nulls: 3, offset: 3, &generator)
        let schema = IPCSchema(batch.schema.fields)
        folder.write("ours", try IPCBatches.file(schema, [batch], options: IPCWriteOptions(codec: codec)))
        let theirs = try PyArrow.exchange(
          [batch],
          """
          options = pa.ipc.IpcWriteOptions(compression='\(name)')
          with pa.ipc.new_stream('\(folder.file("stream"))', batches[0].schema, options=options) as writer:
              writer.write_batch(batches[0])
          with pa.ipc.new_file('\(folder.file("file"))', batches[0].schema, options=options) as writer:
              writer.write_batch(batches[0])
          batch = pa.ipc.open_file('\(folder.file("ours"))').get_batch(0)
          batch.validate(full=True)
          return batch
          """)
        #expect(theirs == batch, "\(name) \(generator)")
        for kind in ["stream", "file", "ours"] {
          let read = try IPCBatches.read(MappedFile(folder.file(kind)).bytes, options: Self.options)
          #expect(read == [batch], "\(name) \(kind) \(generator)")
        }
      }
    }
  }

  @Test("are smaller when they can be, and as they are when not")
  func sizes() throws {
    let schema = Schema([Field("x", .int64)])
    var generator = SeededGenerator()
    let even = RecordBatch(schema: schema, columns: [.constant(.int64(7), count: 10_000)], length: 10_000)
    let random = IPCBatches.random(schema, 10_000, nulls: 0, &generator)
    for codec in Self.codecs {
      let options = IPCWriteOptions(codec: codec)
      #expect(try IPCBatches.stream(IPCSchema(schema.fields), [even], options: options).count < 8_000)
      let bytes = try IPCBatches.stream(IPCSchema(schema.fields), [random], options: options)
      #expect(bytes.count < 80_700)
      #expect(try IPCBatches.read(IPCBatches.shared(bytes), options: Self.options) == [random])
    }
  }

  @Test("are refused without the codec, by its name and with the way to get it")
  func withoutCodec() throws {
    let batch = RecordBatch(
      schema: Schema([Field("x", .int64)]), columns: [.constant(.int64(7), count: 100)], length: 100)
    for codec in Self.codecs {
      let bytes = try IPCBatches.file(
        IPCSchema(batch.schema.fields), [batch], options: IPCWriteOptions(codec: codec))
      do throws(Failure) {
        _ = try IPCBatches.read(IPCBatches.shared(bytes))
        Issue.record("it was read")
      } catch {
        #expect(
          error.message
            == "the Arrow data: needs the codec '\(codec.name)', which no plugin brings (they bring: none); build Plugins/codecs "
            + "and load it with --codec libcodecs.so")
      }
    }
  }

  @Test("are refused when their length is a lie, before memory is taken for it")
  func lies() throws {
    let batch = RecordBatch(
      schema: Schema([Field("x", .int64)]), columns: [.constant(.int64(7), count: 100)], length: 100)
    let bytes = try IPCBatches.stream(
      IPCSchema(batch.schema.fields), [batch], options: IPCWriteOptions(codec: SystemCodec.zstd))
    // 800 bytes: the only buffer's length.
    let place = try #require(
      (0..<(bytes.count - 12)).first {
        Array(bytes[$0..<($0 + 12)]) == [0x20, 0x03, 0, 0, 0, 0, 0, 0, 0x28, 0xB5, 0x2F, 0xFD]
      })
    for (length, finding) in [
      (801 as Int64, "has a buffer that is 800 bytes when it is decompressed, and says to be 801"),
      (799, "zstd: the input is damaged"), (-2, "says to be -2"), (1 << 40, "says to be 1099511627776"),
      (.max, "says to be"),
    ] {
      var damaged = bytes
      withUnsafeBytes(of: length.littleEndian) { damaged.replaceSubrange(place..<(place + 8), with: $0) }
      do throws(Failure) {
        _ = try IPCBatches.read(IPCBatches.shared(damaged), options: Self.options)
        Issue.record("it was read")
      } catch {
        #expect(error.message.hasPrefix("column 'x' of an Arrow batch: "))
        #expect(error.message.contains(finding), "\(error.message)")
      }
    }
  }

  @Test("are read or refused, whatever bytes are changed")
  func mutations() throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("a", .int64), Field("b", .utf8), Field("c", .list(of: .utf8View))])
    for codec in Self.codecs {
      let batch = IPCBatches.random(schema, 200, nulls: 3, &generator)
      let bytes = try IPCBatches.stream(IPCSchema(schema.fields), [batch], options: IPCWriteOptions(codec: codec))
      var options = Self.options
      options.bodyBytes = 1 << 24
      var refused = 0
      for _ in 0..<3000 {
        var damaged = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          damaged[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
            in: .min ... .max, using: &generator)
        }
        do throws(Failure) { _ = try IPCBatches.read(IPCBatches.shared(damaged), options: options) } catch {
          refused += 1
        }
      }
      #expect(refused > 300, "\(refused) \(generator.description)")
    }
  }
}
