import Base
import Dataflow
import Flight
import VolleyPlan

/// How far an endpoint of a flight is read, as an epoch keeps it.
struct FlightPosition: Sendable, Hashable {
  var split: String
  var ticket: [UInt8]
  /// Rows that were given.
  var rows: Int64 = 0
  var isDone = false

  /// - Throws: `data` when it is of something else.
  init(_ position: SplitPosition, place: String) throws(Failure) {
    let json = try? JSONValue.parse(Array(position.position.utf8))
    guard let json, let ticket = json["ticket"]?.text().flatMap({ Base64.decode($0) }),
      let rows = json["rows"]?.integer, rows >= 0
    else {
      throw Failure(
        .data,
        "\(place): the checkpoint's position '\(position.position.prefix(200))' of the split '\(position.split)' is none of a flight's "
          + "endpoint; begin the source anew (--reset-source)")
    }
    split = position.split
    self.ticket = ticket
    self.rows = rows
    isDone = json["done"] == true
  }

  init(split: String, ticket: [UInt8]) {
    self.split = split
    self.ticket = ticket
  }

  var named: SplitPosition {
    var members: [JSONValue.Member] = [
      .init("ticket", .string(Base64.encode(ticket))), .init("rows", .int(rows)),
    ]
    if isDone { members.append(.init("done", true)) }
    return SplitPosition(split: split, position: JSONValue.object(members).text)
  }
}

/// An endpoint of a flight: a split.
struct FlightSplit: Sendable {
  var position: FlightPosition
  /// nil: the server that was asked.
  var location: FlightLocation?
  /// Rows that are given at most; nil: all.
  var bound: Int64?

  /// The splits of endpoints, with the positions that they had.
  ///
  /// A server may give other tickets each time that it is asked: then endpoints are told by their order, as long as there
  /// are as many.
  ///
  /// - Parameters:
  ///   - former: nil: it begins at its start.
  ///   - place: leads messages: "source 'orders' (flight)".
  ///   - isSecure: the server has TLS: then others that it names must have it.
  static func splits(
    _ endpoints: [FlightEndpoint], _ target: FlightTarget, former: [FlightPosition]?, place: String,
    isSecure: Bool
  ) throws(Failure) -> [FlightSplit] {
    var splits: [FlightSplit] = []
    for (index, endpoint) in endpoints.enumerated() {
      guard let ticket = endpoint.ticket else {
        throw Failure(.data, "\(place): the endpoint \(index) of \(target) has no ticket to read it with")
      }
      let location = try location(of: endpoint, index, target, place, isSecure)
      splits.append(FlightSplit(position: .init(split: "\(index)", ticket: ticket.ticket), location: location))
    }
    guard let former, !former.isEmpty else { return splits }
    let known = Dictionary(former.map { ($0.ticket, $0) }, uniquingKeysWith: { first, _ in first })
    if known.count == former.count, Set(known.keys).isSubset(of: splits.map(\.position.ticket)) {
      var names = Set(former.map(\.split))
      var next = 0
      for index in splits.indices {
        if let position = known[splits[index].position.ticket] {
          splits[index].position = position
        } else {
          while !names.insert("\(next)").inserted { next += 1 }
          splits[index].position.split = "\(next)"
        }
      }
      return splits
    }
    guard case .descriptor = target, former.count == splits.count else {
      throw Failure(
        .noInput,
        "\(place): \(target) has \(splits.count) endpoints, which are not the \(former.count) that the checkpoint goes on with; bring "
          + "them back, or begin the source anew (--reset-source)")
    }
    let byName = Dictionary(former.map { ($0.split, $0) }, uniquingKeysWith: { first, _ in first })
    for index in splits.indices {
      guard let position = byName["\(index)"] else { continue }
      splits[index].position.rows = position.rows
      splits[index].position.isDone = position.isDone
    }
    return splits
  }

  /// The first location that can be reached; each has the same rows.
  private static func location(
    of endpoint: FlightEndpoint, _ index: Int, _ target: FlightTarget, _ place: String, _ isSecure: Bool
  ) throws(Failure) -> FlightLocation? {
    var refusal: Failure?
    for location in endpoint.locations {
      if location.uri == FlightLocation.sameServer { return nil }
      do throws(Failure) {
        let found = try FlightLocation(location.uri)
        if found.isSecure == isSecure { return found }
        let (given, wanted) = isSecure ? ("is in the clear", "has TLS") : ("has TLS", "is in the clear")
        refusal = refusal ?? Failure(.usage, "'\(location.uri)' \(given), and the server that names it \(wanted)")
      } catch { refusal = refusal ?? error }
    }
    guard let refusal else { return nil }
    throw refusal.within("\(place): no location of the endpoint \(index) of \(target) can be used")
  }
}
