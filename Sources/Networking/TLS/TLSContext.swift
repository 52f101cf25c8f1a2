import Base

/// The certificates of one side of TLS, and what it asks of the other: TLS 1.2 with AEAD ciphers, or 1.3.
///
/// The files are looked at again when a connection begins, once a second at most, and read again when they have changed.
/// What is broken, or half written, or does not fit together, is reported once and never used: new connections go on with
/// what was read before. Connections that are open keep what they began with. From any thread.
public final class TLSContext: Sendable {
  /// Where the files are, all in PEM.
  struct Paths: Sendable {
    /// Our certificate, and then those of its issuers but the root's.
    var certificate: String?
    var key: String?
    /// The certificates of those whom we trust to vouch for the other side.
    var authorities: String?
  }

  private struct State {
    var loaded: LoadedTLS
    var files: TLSFiles
    var nextLook: MonotonicTime
    /// What was reported last, and has not been mended since.
    var reported: Failure?
  }

  private let role: LoadedTLS.Role
  private let paths: Paths
  private let protocols: [String]
  private let interval: Int64
  private let report: @Sendable (Failure) -> Void
  private let state: Monitor<State>

  /// What a server shows, and which clients it takes.
  ///
  /// - Parameters:
  ///   - certificate: path of its certificate, and then those of its issuers.
  ///   - key: path of the certificate's private key.
  ///   - clientAuthorities: path of the certificates of which one must vouch for each client; nil: clients are not asked.
  ///   - protocols: what is offered by ALPN, best first. Clients that offer other protocols only are refused.
  ///   - report: is told of files that changed and cannot be used, on any thread.
  public static func server(
    certificate: String, key: String, clientAuthorities: String? = nil, protocols: [String] = ["h2", "http/1.1"],
    report: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) -> TLSContext {
    try TLSContext(
      .server, Paths(certificate: certificate, key: key, authorities: clientAuthorities), protocols, 1_000_000_000,
      report)
  }

  /// What a client trusts, and what it shows to servers that ask.
  ///
  /// - Parameters:
  ///   - authorities: path of the certificates of which one must vouch for each server; nil: the system's.
  ///   - certificate, key: paths of its certificate and private key; both or neither.
  public static func client(
    authorities: String? = nil, certificate: String? = nil, key: String? = nil,
    protocols: [String] = ["h2", "http/1.1"], report: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) -> TLSContext {
    guard (certificate == nil) == (key == nil) else {
      throw Failure(
        .usage, "a client certificate needs its private key, and a key its certificate: give both or neither")
    }
    return try TLSContext(
      .client, Paths(certificate: certificate, key: key, authorities: authorities), protocols, 1_000_000_000, report)
  }

  /// - Parameter interval: nanoseconds between two looks at the files.
  init(
    _ role: LoadedTLS.Role, _ paths: Paths, _ protocols: [String], _ interval: Int64,
    _ report: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    self.role = role
    self.paths = paths
    self.protocols = protocols
    self.interval = interval
    self.report = report
    let files = try TLSFiles(paths)
    let loaded = try LoadedTLS(role, paths, files, protocols)
    state = Monitor(State(loaded: loaded, files: files, nextLook: .now + interval))
  }

  var isServer: Bool { role == .server }

  /// What a connection that begins now uses.
  func current() -> LoadedTLS {
    let (loaded, failure) = state.withLock { state -> (LoadedTLS, Failure?) in
      let now = MonotonicTime.now
      guard now >= state.nextLook else { return (state.loaded, nil) }
      state.nextLook = now + interval
      let failure = refresh(&state)
      return (state.loaded, failure)
    }
    if let failure { report(failure) }
    return loaded
  }

  /// Reads the files again if they have changed. Returns what is to be reported.
  private func refresh(_ state: inout State) -> Failure? {
    guard !state.files.areUnchanged(paths) else { return nil }
    do throws(Failure) {
      let files = try TLSFiles(paths)
      guard files.digest != state.files.digest else {
        state.files = files
        return nil
      }
      state.loaded = try LoadedTLS(role, paths, files, protocols)
      state.files = files
      state.reported = nil
      return nil
    } catch {
      // The files are looked at again next time: they stay different from those in use.
      guard state.reported != error else { return nil }
      state.reported = error
      return error.within("TLS goes on with the certificates that were read before")
    }
  }
}
