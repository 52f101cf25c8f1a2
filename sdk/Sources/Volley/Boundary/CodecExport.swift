import CVolley
import VolleyPlan

/// A codec's C table and what stands behind it.
struct CodecExport {
  let type: any Codec.Type
  let options: [UnsafePointer<volley_parameter>]
  let table: UnsafeMutablePointer<volley_codec>

  init(_ type: any Codec.Type, version: String) {
    self.type = type
    options = ParameterList.declared(by: type.init).tables()
    let magic = type.magic
    table = permanent(
      volley_codec(
        header: .init(size: UInt32(MemoryLayout<volley_codec>.size), major: abiMajor, minor: abiMinor),
        name: permanentText(type.name), version: permanentText(type.version ?? version),
        description: permanentText(type.summary), suffix: permanentText(type.suffix),
        magic: permanentBytes(magic), magic_length: UInt32(magic.count),
        arrow_id: type.arrowID.flatMap { Int32(exactly: $0) } ?? Int32(VOLLEY_CODEC_NOT_IN_ARROW),
        option: { codec, index in
          guard let export = CodecExport.find(codec), Int(index) < export.options.count else { return nil }
          return export.options[Int(index)]
        },
        create: { codec, host, kind, place, instance, error in
          serve(nil, error) {
            guard let export = CodecExport.find(codec), let place, let instance else {
              throw VolleyError("the host asked for an instance of no codec", domain: .internal)
            }
            guard kind == VOLLEY_KIND_CODEC else {
              throw VolleyError("a codec is no source or sink, and the host asked for kind \(kind)", domain: .internal)
            }
            try export.make(try TaskContext(host: host, place: place)).write(to: instance)
          }
        }))
  }

  private static func find(_ table: UnsafePointer<volley_codec>?) -> CodecExport? {
    Exports.shared.content.codecs.first { UnsafePointer($0.table) == table }
  }

  private func make(_ context: TaskContext) throws -> Instance {
    let owner = "codec '\(type.name)'"
    let reads = ParameterReads()
    let coder = try ParameterReads.$current.withValue(reads) {
      let codec = type.init()
      let options = ParameterList(of: codec)
      try reads.check(options, noun: "option", of: owner, readIn: "'makeCoder'")
      try options.set(context.options, noun: "option", of: owner)
      return try codec.makeCoder(context)
    }
    try reads.checkRest(of: owner)
    return .codec(CodecInstance(context, coder))
  }
}

/// Bytes that are never freed; nil for none.
private func permanentBytes(_ bytes: [UInt8]) -> UnsafePointer<UInt8>? {
  guard !bytes.isEmpty else { return nil }
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
  memory.initialize(from: bytes, count: bytes.count)
  return UnsafePointer(memory)
}

final class CodecInstance: AnyInstance {
  let coder: any Coder

  init(_ context: TaskContext, _ coder: any Coder) {
    self.coder = coder
    super.init(context)
  }

  override func open() throws { try coder.open(context) }
  override func close() throws { try coder.close() }

  func begin(_ direction: UInt32) throws {
    switch direction {
    case VOLLEY_CODEC_COMPRESS: try coder.begin(.compress)
    case VOLLEY_CODEC_DECOMPRESS: try coder.begin(.decompress)
    default: throw VolleyError("the host began a stream of the unknown direction \(direction)", domain: .internal)
    }
  }

  /// Counts that do not hold would make the host read or write where nothing is: they are a bug of the coder's.
  static func checked(_ count: Int, of limit: UInt64, _ call: String) throws -> UInt64 {
    guard count >= 0, UInt64(count) <= limit else {
      throw VolleyError(
        "the coder says \(count) bytes in '\(call)', where at most \(limit) can be: correct it", domain: .internal)
    }
    return UInt64(count)
  }
}

extension Tables {
  // Written once, before anybody reads.
  nonisolated(unsafe) static let coder = permanent(
    volley_coder(
      header: header(volley_coder.self), open: open, close: close, destroy: destroy,
      bound: { pointer, size, bound, error in
        serve(context(pointer), error) {
          let size = try bufferSize(size)
          guard let bound else { throw VolleyError("a bound without a place for it", domain: .internal) }
          bound.pointee = try CodecInstance.checked(
            try codec(pointer).bound(size), of: UInt64(Int.max), "bound")
        }
      },
      compress: { pointer, input, inputSize, output, capacity, outputSize, error in
        serve(context(pointer), error) {
          let (input, output) = try buffers(input, inputSize, output, capacity)
          guard let outputSize else { throw VolleyError("a call without a place for its size", domain: .internal) }
          let count = try codec(pointer).compress(input, into: output)
          outputSize.pointee = try CodecInstance.checked(count, of: capacity, "compress")
        }
      },
      decompress: { pointer, input, inputSize, output, capacity, outputSize, error in
        serve(context(pointer), error) {
          let (input, output) = try buffers(input, inputSize, output, capacity)
          guard let outputSize else { throw VolleyError("a call without a place for its size", domain: .internal) }
          let count = try codec(pointer).decompress(input, into: output)
          outputSize.pointee = try CodecInstance.checked(count, of: capacity, "decompress")
        }
      },
      begin: { pointer, direction, error in
        serve(context(pointer), error) { try instance(pointer, as: CodecInstance.self).begin(direction) }
      },
      step: { pointer, step, error in
        serve(context(pointer), error) {
          guard let step else { throw VolleyError("a step without its struct", domain: .internal) }
          let given = step.pointee
          let (input, output) = try buffers(
            given.input, given.input_size, given.output, given.output_capacity)
          let done = try codec(pointer).step(input, into: output, isLast: given.is_last != 0)
          step.pointee.input_used = try CodecInstance.checked(done.consumed, of: given.input_size, "step")
          step.pointee.output_used = try CodecInstance.checked(done.produced, of: given.output_capacity, "step")
          step.pointee.has_ended = done.isAtEnd ? 1 : 0
        }
      }))
}

private func codec(_ pointer: UnsafeMutableRawPointer?) throws(VolleyError) -> any Coder {
  try instance(pointer, as: CodecInstance.self).coder
}

private func bufferSize(_ size: UInt64) throws(VolleyError) -> Int {
  guard let size = Int(exactly: size) else {
    throw VolleyError("the host speaks of \(size) bytes, which no memory holds", domain: .internal)
  }
  return size
}

private func buffers(
  _ input: UnsafeRawPointer?, _ inputSize: UInt64, _ output: UnsafeMutableRawPointer?, _ capacity: UInt64
) throws(VolleyError) -> (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) {
  let (inputSize, capacity) = (try bufferSize(inputSize), try bufferSize(capacity))
  guard input != nil || inputSize == 0, output != nil || capacity == 0 else {
    throw VolleyError("the host gave bytes at NULL", domain: .internal)
  }
  return (
    UnsafeRawBufferPointer(start: input, count: inputSize),
    UnsafeMutableRawBufferPointer(start: output, count: capacity)
  )
}
