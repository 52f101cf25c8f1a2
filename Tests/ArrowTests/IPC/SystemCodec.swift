import Arrow
import Base
import Glibc
import VolleyPlan

/// LZ4_FRAME and ZSTD of the libraries of this machine, so that what pyarrow compressed can be read without the plugin.
final class SystemCodec: BufferCodec {
  let name: String
  let arrowID: Int?
  let suffix: String? = nil
  let magic: [UInt8] = []
  private let makeFunctions: @Sendable () throws(Failure) -> any BufferCoder

  private init(_ name: String, _ arrowID: Int, _ make: @escaping @Sendable () throws(Failure) -> any BufferCoder) {
    self.name = name
    self.arrowID = arrowID
    makeFunctions = make
  }

  static let lz4 = SystemCodec("lz4_frame", 0) { () throws(Failure) in try LZ4Coder() }
  static let zstd = SystemCodec("zstd", 1) { () throws(Failure) in try ZstdCoder() }

  func makeCoder(uid: String, options: JSONValue) throws(Failure) -> any BufferCoder { try makeFunctions() }

  fileprivate static func symbol<Function>(_ library: String, _ package: String, _ name: String, _: Function.Type)
    throws(Failure)
    -> Function
  {
    guard let handle = dlopen(library, RTLD_NOW), let address = dlsym(handle, name) else {
      throw Failure(.noInput, "\(library) is needed; on Debian, install \(package)")
    }
    return unsafeBitCast(address, to: Function.self)
  }
}

private typealias Compress =
  @convention(c) (
    UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, UnsafeRawPointer?
  ) -> Int

/// A test needs no streams.
extension BufferCoder {
  func begin(_ direction: CodecDirection) throws(Failure) { throw Failure(.software, "no streams in this test") }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws(Failure) -> CodecStep { throw Failure(.software, "no streams in this test") }
}

private final class LZ4Coder: BufferCoder {
  private let boundOf: @convention(c) (Int, UnsafeRawPointer?) -> Int
  private let compress: Compress
  private let make: @convention(c) (UnsafeMutablePointer<OpaquePointer?>, UInt32) -> Int
  private let free: @convention(c) (OpaquePointer?) -> Int
  private let decompress:
    @convention(c) (
      OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>, UnsafeRawPointer?, UnsafeMutablePointer<Int>,
      UnsafeRawPointer?
    ) -> Int
  private let isError: @convention(c) (Int) -> UInt32

  init() throws(Failure) {
    func symbol<Function>(_ name: String, _ type: Function.Type) throws(Failure) -> Function {
      try SystemCodec.symbol("liblz4.so.1", "liblz4-1", name, type)
    }
    boundOf = try symbol("LZ4F_compressFrameBound", (@convention(c) (Int, UnsafeRawPointer?) -> Int).self)
    compress = try symbol("LZ4F_compressFrame", Compress.self)
    make = try symbol(
      "LZ4F_createDecompressionContext", (@convention(c) (UnsafeMutablePointer<OpaquePointer?>, UInt32) -> Int).self)
    free = try symbol("LZ4F_freeDecompressionContext", (@convention(c) (OpaquePointer?) -> Int).self)
    decompress = try symbol(
      "LZ4F_decompress",
      (@convention(c) (
        OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>, UnsafeRawPointer?,
        UnsafeMutablePointer<Int>,
        UnsafeRawPointer?
      ) -> Int).self)
    isError = try symbol("LZ4F_isError", (@convention(c) (Int) -> UInt32).self)
  }

  func bound(_ byteCount: Int) throws(Failure) -> Int { boundOf(byteCount, nil) }

  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = compress(output.baseAddress, output.count, input.baseAddress, input.count, nil)
    guard isError(count) == 0 else { throw Failure(.data, "lz4 cannot compress") }
    return count
  }

  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var context: OpaquePointer?
    guard isError(make(&context, 100)) == 0 else { throw Failure(.software, "lz4 has no context") }
    defer { _ = free(context) }
    var taken = 0
    var given = 0
    while true {
      var source = input.count - taken
      var target = output.count - given
      let hint = decompress(
        context, output.baseAddress.map { $0 + given }, &target, input.baseAddress.map { $0 + taken }, &source, nil)
      guard isError(hint) == 0, source + target > 0 else { throw Failure(.data, "lz4: the input is damaged") }
      taken += source
      given += target
      if hint == 0 { return given }
    }
  }
}

private final class ZstdCoder: BufferCoder {
  private let boundOf: @convention(c) (Int) -> Int
  private let compress: @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, Int32) -> Int
  private let decompress: @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
  private let isError: @convention(c) (Int) -> UInt32

  init() throws(Failure) {
    func symbol<Function>(_ name: String, _ type: Function.Type) throws(Failure) -> Function {
      try SystemCodec.symbol("libzstd.so.1", "libzstd1", name, type)
    }
    boundOf = try symbol("ZSTD_compressBound", (@convention(c) (Int) -> Int).self)
    compress = try symbol(
      "ZSTD_compress", (@convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, Int32) -> Int).self)
    decompress = try symbol(
      "ZSTD_decompress", (@convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int).self)
    isError = try symbol("ZSTD_isError", (@convention(c) (Int) -> UInt32).self)
  }

  func bound(_ byteCount: Int) throws(Failure) -> Int { boundOf(byteCount) }

  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = compress(output.baseAddress, output.count, input.baseAddress, input.count, 1)
    guard isError(count) == 0 else { throw Failure(.data, "zstd cannot compress") }
    return count
  }

  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = decompress(output.baseAddress, output.count, input.baseAddress, input.count)
    guard isError(count) == 0 else { throw Failure(.data, "zstd: the input is damaged") }
    return count
  }
}
