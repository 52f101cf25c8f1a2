import Base
import VolleyPlan

/// Which tables a database has, and by which ids its keys name them. It lies in the database itself, so that a database
/// says what it holds without the operator, and a table is found by its name whatever else came or went.
struct StateCatalog: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    var id: UInt16
    var table: StateTable
  }

  /// Of the catalog, the keys and the values together.
  static let version = 1
  static let key: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]

  var maxKeyGroups: Int
  /// Above every id that was ever given: an id is not used again for another table.
  private(set) var nextID: Int = 0
  private(set) var entries: [Entry] = []

  init(maxKeyGroups: Int, tables: [StateTable]) {
    self.maxKeyGroups = maxKeyGroups
    for table in tables { add(table) }
  }

  /// The entry of a table of that name.
  subscript(_ name: String) -> Entry? { entries.first { $0.table.name == name } }

  /// Gives a table an id, a former table of that name none any more.
  mutating func add(_ table: StateTable) {
    precondition(nextID < Int(EntryKeys.catalogID), "a database has fewer tables than ids")
    entries.removeAll { $0.table.name == table.name }
    entries.append(Entry(id: UInt16(nextID), table: table))
    nextID += 1
  }

  /// A table is another as to names and nulls, its entries are as they were.
  mutating func replace(_ table: StateTable) {
    for index in entries.indices where entries[index].table.name == table.name { entries[index].table = table }
  }
}

extension StateCatalog {
  private struct Document: Codable {
    struct Table: Codable {
      var id: Int
      var table: StateTable
      enum CodingKeys: String, CodingKey, CaseIterable { case id, table }
    }
    var version: Int
    var maxKeyGroups: Int
    var nextID: Int
    var tables: [Table]
    enum CodingKeys: String, CodingKey, CaseIterable {
      case version
      case maxKeyGroups = "max_key_groups"
      case nextID = "next_id"
      case tables
    }
  }

  /// One line of JSON.
  func encoded() throws(Failure) -> [UInt8] {
    let tables = entries.map { Document.Table(id: Int($0.id), table: $0.table) }
    let document = Document(version: Self.version, maxKeyGroups: maxKeyGroups, nextID: nextID, tables: tables)
    do {
      return Array(try PlanEncoder().encode(document).text.utf8)
    } catch {
      throw Failure(.software, "the list of a state's tables cannot be written: \(error.message)")
    }
  }

  /// - Parameter place: what leads a message.
  init(_ bytes: [UInt8], place: String) throws(Failure) {
    do throws(PlanError) {
      let value = try JSONValue.parse(bytes)
      guard case .int(let version)? = value["version"], version == Self.version else {
        throw PlanError("its version is \(value["version"]?.text ?? "not there"), and this host reads \(Self.version)")
      }
      let document = try PlanDecoder().decode(Document.self, from: value)
      maxKeyGroups = document.maxKeyGroups
      nextID = document.nextID
      entries = document.tables.map { Entry(id: UInt16(truncatingIfNeeded: $0.id), table: $0.table) }
    } catch {
      throw Failure(
        .data, "\(place): the list of the state's tables cannot be read: \(error.message); use the host that wrote it")
    }
  }
}
