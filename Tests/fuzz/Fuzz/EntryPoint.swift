import Glibc

/// What the fuzzer's runtime calls: once at the start, and once for each input. `--format=NAME` chooses what the inputs are;
/// the runtime leaves arguments that begin with two dashes alone.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  for index in 1..<max(1, Int(count.pointee)) {
    let argument = String(cString: arguments.pointee[index])
    guard argument.hasPrefix("--format=") else { continue }
    guard let format = Format(rawValue: String(argument.dropFirst(9))) else {
      fatalError("\(argument): there is no such format; choose one of \(Format.allCases.map(\.rawValue))")
    }
    chosen = format
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
  switch chosen {
  case .arrow: readArrow(input)
  case .csv: readCSV(input)
  case .flight: readFlight(input)
  case .grpc: readGRPC(input)
  case .http1: readHTTP1(input)
  case .http2: readHTTP2(input)
  case .jsonlines: readJSONLines(input)
  case .patterns: matchPatterns(input)
  }
  return 0
}

enum Format: String, CaseIterable {
  case arrow, csv, flight, grpc, http1, http2, jsonlines, patterns
}

/// Written before the first input, read by the only thread.
nonisolated(unsafe) private var chosen = Format.arrow
