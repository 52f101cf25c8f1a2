import Base
import Checkpointing
import VolleyPlan

/// A record that was set aside, as its file has it.
struct QuarantinedRecord {
  /// Folder, file and line from 1: "map-1/part-0.3.jsonl:5". No file is ever written again, so it stays.
  var id: String
  /// The name of the operator, and of its folder.
  var uid: String
  var line: JSONValue
  /// The record alone, as it stands there: numbers may have more digits than a `JSONValue` keeps.
  var record: ArraySlice<UInt8>

  /// Nil: of a run without checkpoints.
  var epoch: Int64? { if case .int(let epoch)? = line["epoch"] { epoch } else { nil } }

  func text(_ member: String) -> String {
    if case .string(let text)? = line[member] { text } else { "" }
  }
}

/// The folder that `--quarantine` names: a folder of JSON lines for each operator, and what was asked to be fed again.
struct QuarantineFolder {
  let path: String
  var storage: any Storage = DiskStorage()

  var place: String { "quarantine \(path)" }
  var requests: FeedRequests { FeedRequests(self) }

  /// The names of operators that have set records aside.
  func uids() throws(Failure) -> [String] {
    var found: [String] = []
    for name in try names(path) where name != FeedRequests.folder {
      if try !files(of: name).isEmpty { found.append(name) }
    }
    return found
  }

  /// The records of an operator, in the order of their files.
  func records(of uid: String) throws(Failure) -> [QuarantinedRecord] {
    var records: [QuarantinedRecord] = []
    for file in try files(of: uid) {
      let bytes: [UInt8]
      do throws(StorageProblem) { bytes = try storage.read("\(path)/\(uid)/\(file)") } catch {
        throw error.failure(place)
      }
      for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      where !line.isEmpty {
        let id = "\(uid)/\(file):\(index + 1)"
        guard let value = try? JSONValue.parse(Array(line)), let record = Self.record(in: line) else {
          throw Failure(
            .data, "\(place): \(id) is no record that a host has set aside; remove the file, or put it back as it was")
        }
        records.append(QuarantinedRecord(id: id, uid: uid, line: value, record: record))
      }
    }
    return records
  }

  private func files(of uid: String) throws(Failure) -> [String] {
    guard let names = try? storage.entries("\(path)/\(uid)") else { return [] }
    return names.filter { $0.hasSuffix(".jsonl") && !$0.hasPrefix(".") }.sorted { Self.order($0) < Self.order($1) }
  }

  func names(_ folder: String) throws(Failure) -> [String] {
    do throws(StorageProblem) { return try storage.entries(folder).filter { !$0.hasPrefix(".") }.sorted() } catch {
      throw error.failure(place)
    }
  }

  /// "part-0.10.jsonl" comes behind "part-0.9.jsonl".
  private static func order(_ name: String) -> String {
    var (result, digits) = ("", "")
    for character in name + "." {
      if character.isASCII && character.isNumber {
        digits.append(character)
        continue
      }
      if !digits.isEmpty { result += String(repeating: "0", count: max(0, 20 - digits.count)) + digits }
      digits = ""
      result.append(character)
    }
    return result
  }

  /// The object behind `{"record":`, which the host writes first.
  static func record(in line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let lead = Array(#"{"record":"#.utf8)
    guard line.starts(with: lead) else { return nil }
    let start = line.startIndex + lead.count
    var (depth, isText, isEscaped) = (0, false, false)
    for index in start..<line.endIndex {
      let byte = line[index]
      if isText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isText = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isText = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return line[start...index] }
      default: break
      }
    }
    return nil
  }
}
