import Base
import TestSupport

@testable import Networking

extension TestAuthority {
  func server(
    _ pair: Pair, clients: String? = nil, interval: Int64 = 0, protocols: [String] = ["h2", "http/1.1"],
    report: @escaping @Sendable (Failure) -> Void = { _ in }
  ) throws -> TLSContext {
    try TLSContext(
      .server, TLSContext.Paths(certificate: pair.certificate, key: pair.key, authorities: clients), protocols,
      interval, report)
  }

  func client(
    _ pair: Pair? = nil, trusting authorities: String? = nil, protocols: [String] = ["h2", "http/1.1"]
  ) throws -> TLSContext {
    try TLSContext.client(
      authorities: authorities ?? certificate, certificate: pair?.certificate, key: pair?.key, protocols: protocols,
      report: { _ in })
  }
}
