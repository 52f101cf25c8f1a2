import Arrow
import Base
import CVolley
import Dataflow
import Operators
import VolleyPlan

/// A plugin's codec as the readers and writers of a job use it.
final class PluginBufferCodec: BufferCodec {
  private let codec: PluginCodec
  private let host: InstanceHost

  init(_ codec: PluginCodec, host: InstanceHost) {
    self.codec = codec
    self.host = host
  }

  var name: String { codec.name }
  var suffix: String? { codec.suffix }
  var magic: [UInt8] { codec.magic }
  var arrowID: Int? { codec.arrowID }

  func makeCoder(uid: String, options: JSONValue) throws(Failure) -> any BufferCoder {
    let resolved = try codec.options.resolve(options, of: "codec '\(name)' at '\(uid)'", as: .option)
    let place = UserCodePlace(
      uid: uid, subtask: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
    return try PluginCoder(
      codec.makeInstance(
        InstanceRequest(
          kind: .codec, function: name, place: place, inputs: [], outputs: [],
          options: JSONValue.object(resolved.map { JSONValue.Member($0.name, $0.value) }).text, host: host)))
  }
}

/// A plugin's coder. It believes nothing of what the plugin says about memory: counts beyond what was given are refused.
final class PluginCoder: BufferCoder {
  private typealias Whole =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeRawPointer?, UInt64, UnsafeMutableRawPointer?, UInt64,
      UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32

  private let instance: PluginInstance
  private let table: UnsafePointer<volley_coder>
  private let compressSite: CallSite
  private let decompressSite: CallSite
  private let stepSite: CallSite
  /// The direction of the stream that was begun, until it ends or fails.
  private var direction: CodecDirection?

  /// Opens the instance.
  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_coder.self, .codec, open: (\.open, volley_coder_has_open), close: (\.close, volley_coder_has_close),
      destroy: (\.destroy, volley_coder_has_destroy))
    try table.require(\.bound, "bound", volley_coder_has_bound)
    try table.require(\.compress, "compress", volley_coder_has_compress)
    try table.require(\.decompress, "decompress", volley_coder_has_decompress)
    try table.require(\.begin, "begin", volley_coder_has_begin)
    try table.require(\.step, "step", volley_coder_has_step)
    self.table = table.pointer
    compressSite = instance.site("compress")
    decompressSite = instance.site("decompress")
    stepSite = instance.site("step")
    try instance.open()
  }

  // MARK: Whole buffers

  func bound(_ byteCount: Int) throws(Failure) -> Int {
    var bound: UInt64 = 0
    let (table, pointer, error) = (table, instance.selfPointer, instance.error.pointer)
    instance.error.reset()
    let status = instance.site("bound").run { table.pointee.bound(pointer, UInt64(byteCount), &bound, error) }
    try instance.finish(status, "bound")
    guard let room = Int(exactly: bound), room < Self.roomLimit else {
      throw Failure(
        .plugin,
        "\(instance.context.label) says from 'bound' that \(byteCount) bytes compress to \(bound), which no memory holds; "
          + "correct the plugin")
    }
    return room
  }

  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    try whole(table.pointee.compress, "compress", compressSite, input, output)
  }

  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    try whole(table.pointee.decompress, "decompress", decompressSite, input, output)
  }

  private func whole(
    _ slot: Whole, _ name: StaticString, _ site: CallSite, _ input: UnsafeRawBufferPointer,
    _ output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    var size: UInt64 = 0
    let (pointer, error) = (instance.selfPointer, instance.error.pointer)
    // The boundary knows no room of 0 bytes at NULL.
    let room = output.baseAddress ?? Self.noRoom
    instance.error.reset()
    let status = site.run {
      slot(pointer, input.baseAddress, UInt64(input.count), room, UInt64(output.count), &size, error)
    }
    try instance.finish(status, name)
    guard size <= UInt64(output.count) else { throw tooMuch(size, name, "wrote", of: output.count, "room") }
    return Int(size)
  }

  // MARK: Streams

  func begin(_ direction: CodecDirection) throws(Failure) {
    self.direction = nil
    let (table, pointer, error) = (table, instance.selfPointer, instance.error.pointer)
    instance.error.reset()
    let status = instance.site("begin").run { table.pointee.begin(pointer, direction.rawValue, error) }
    try instance.finish(status, "begin")
    self.direction = direction
  }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws(Failure) -> CodecStep {
    guard direction != nil else { preconditionFailure("a stream is begun before its steps, and again after its end") }
    guard let room = output.baseAddress, output.count > 0 else { preconditionFailure("a step has room for a byte") }
    var step = volley_codec_step()
    step.header = .of(volley_codec_step.self)
    step.input = input.baseAddress
    step.input_size = UInt64(input.count)
    step.output = room
    step.output_capacity = UInt64(output.count)
    step.is_last = isLast ? 1 : 0
    let (table, pointer, error) = (table, instance.selfPointer, instance.error.pointer)
    instance.error.reset()
    let status = stepSite.run { table.pointee.step(pointer, &step, error) }
    do throws(Failure) {
      try instance.finish(status, "step")
      return try judge(step, input, output, isLast: isLast)
    } catch {
      direction = nil
      throw error
    }
  }

  private func judge(
    _ step: volley_codec_step, _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws(Failure) -> CodecStep {
    guard step.output_used <= UInt64(output.count) else {
      throw tooMuch(step.output_used, "step", "wrote", of: output.count, "room")
    }
    guard step.input_used <= UInt64(input.count) else {
      throw tooMuch(step.input_used, "step", "took", of: input.count, "input")
    }
    let hasEnded = step.has_ended != 0
    if hasEnded { direction = nil }
    // A caller that has given all would ask for ever.
    guard hasEnded || step.input_used > 0 || step.output_used > 0 || (input.isEmpty && !isLast) else {
      throw Failure(
        .plugin,
        "\(instance.context.label) does not move on in 'step', which was given \(input.count) bytes\(isLast ? ", the last ones," : "") "
          + "and room for \(output.count); take input, give output, end, or fail")
    }
    return CodecStep(consumed: Int(step.input_used), produced: Int(step.output_used), isAtEnd: hasEnded)
  }

  private func tooMuch(_ count: UInt64, _ slot: StaticString, _ verb: String, of limit: Int, _ what: String) -> Failure
  {
    Failure(
      .plugin,
      "\(instance.context.label) says that it \(verb) \(count) bytes in '\(slot)', which had \(limit) bytes of \(what); "
        + "correct the plugin")
  }

  /// More than any address space has.
  private static let roomLimit = 1 << 56
  // Its address alone is used.
  nonisolated(unsafe) private static let noRoom = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
}
