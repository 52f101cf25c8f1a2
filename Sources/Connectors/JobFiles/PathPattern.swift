import Glibc

/// A path without symbolic links, "." and "..", from the root; also of what is not there yet.
func canonicalPath(_ given: String) -> String {
  if let real = resolved(given) { return real }
  var path = given
  while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
  let parent = folder(of: path)
  // The working directory itself is gone.
  guard parent != path else { return path }
  let (above, name) = (canonicalPath(parent), lastName(of: path))
  switch name {
  case ".": return above
  case "..": return folder(of: above)
  default: return above == "/" ? "/\(name)" : "\(above)/\(name)"
  }
}

/// Whether `glob` will find a canonical path by a pattern once it is there.
func leads(_ pattern: String, to path: String) -> Bool {
  bracesExpanded(pattern).contains { leadsPlainly($0, to: path) { isName($1, matching: $0) } }
}

/// - Parameter matches: whether the last name of the pattern, given first, may stand for that of the path.
private func leadsPlainly(_ pattern: String, to path: String, _ matches: (String, String) -> Bool) -> Bool {
  guard pattern != "/", path != "/", matches(lastName(of: pattern), lastName(of: path)) else { return false }
  return leadsPlainly(folder(of: pattern), toFolder: folder(of: path))
}

private func leadsPlainly(_ pattern: String, toFolder path: String) -> Bool {
  if access(path, F_OK) == 0 { return (FileSet.matches(pattern) ?? []).contains { resolved($0) == path } }
  return pattern != "." && leadsPlainly(pattern, to: path) { isName($1, matching: $0) }
}

private func isName(_ name: String, matching pattern: String) -> Bool { fnmatch(pattern, name, FNM_PERIOD) == 0 }

private func lastName(of path: String) -> String {
  path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
}

/// The patterns that one with braces stands for, as `glob` has it: "a{b,c}" for "ab" and "ac". One that is not closed stands for itself.
func bracesExpanded(_ pattern: String) -> [String] {
  let bytes = Array(pattern.utf8)
  var depth = 0
  var start = 0
  var cuts: [Int] = []
  var at = 0
  while at < bytes.count {
    switch bytes[at] {
    case UInt8(ascii: "\\"): at += 1
    case UInt8(ascii: "{"):
      if depth == 0 { (start, cuts) = (at, [at]) }
      depth += 1
    case UInt8(ascii: ",") where depth == 1: cuts.append(at)
    case UInt8(ascii: "}") where depth > 0:
      depth -= 1
      guard depth == 0 else { break }
      cuts.append(at)
      let rests = bracesExpanded(text(bytes[(at + 1)...]))
      return zip(cuts, cuts.dropFirst()).flatMap { from, to in
        bracesExpanded(text(bytes[(from + 1)..<to])).flatMap { choice in
          rests.map { "\(text(bytes[..<start]))\(choice)\($0)" }
        }
      }
    default: break
    }
    at += 1
  }
  return [pattern]
}

private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

extension PartNames {
  /// Subtasks whose names are tried: as many as there can be.
  private static let subtasks = 0..<256

  /// Whether `glob` will find a file of these names, in a canonical folder or its partitions, by a pattern.
  func areReached(by pattern: String, in folder: String) -> Bool {
    bracesExpanded(pattern).contains { pattern in
      var rest = pattern
      let last = lastName(of: rest)
      let isReached = Self.subtasks.contains { subtask in
        isName(name(subtask: subtask), matching: last)
          || !isRolled && isName(byEpoch.name(subtask: subtask), matching: last)
      }
      guard isReached else { return false }
      for prefix in partitions.reversed() {
        rest = Connectors.folder(of: rest)
        let name = lastName(of: rest)
        guard name.utf8.starts(with: prefix.utf8) || isName("\(prefix)0", matching: name) else { return false }
      }
      return leadsPlainly(Connectors.folder(of: rest), toFolder: folder)
    }
  }

  /// Whether a canonical path is one of these files of a canonical folder.
  func isFile(_ path: String, below folder: String) -> Bool {
    guard let names = names(of: path, below: folder), names.count == partitions.count + 1 else { return false }
    return arePartitions(names.dropLast()) && numbers(of: names[names.count - 1]) != nil
  }

  /// Whether the files of others in a canonical path, a folder, have names of these in a canonical folder.
  func isFolder(_ path: String, below folder: String, of others: PartNames) -> Bool {
    guard suffix == others.suffix, isRolled == others.isRolled, let names = names(of: path, below: folder),
      names.count <= partitions.count
    else { return false }
    return arePartitions(names[...]) && Array(partitions[names.count...]) == others.partitions
  }

  private func arePartitions(_ names: ArraySlice<String>) -> Bool {
    names.indices.allSatisfy { isPartition(names[$0], of: $0) }
  }

  /// The names that lead from a folder to a path; nil when it is elsewhere.
  private func names(of path: String, below folder: String) -> [String]? {
    if path == folder { return [] }
    let start = folder == "/" ? "/" : "\(folder)/"
    guard path.utf8.starts(with: start.utf8) else { return nil }
    return path.utf8.dropFirst(start.utf8.count).split(separator: UInt8(ascii: "/")).map { text($0) }
  }
}
