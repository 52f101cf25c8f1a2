import Base

/// What lies under one number.
public struct EpochEntry: Sendable {
  public enum Content: Sendable {
    case complete(Manifest)
    case sealed(Seal)
    /// Begun and never published, or about to be.
    case unfinished
    case damaged(Failure)
  }

  public var epoch: Epoch
  public var content: Content

  public init(_ epoch: Epoch, _ content: Content) {
    self.epoch = epoch
    self.content = content
  }

  public var manifest: Manifest? { if case .complete(let manifest) = content { manifest } else { nil } }
}

extension CheckpointDirectory {
  /// What is under every number, ascending; empty when the directory is not there. Files are not looked at.
  public func epochs() throws(Failure) -> [EpochEntry] {
    try numbers().map { epoch throws(Failure) in EpochEntry(epoch, try content(of: epoch)) }
  }

  /// - Throws: `noInput` when there is none of that number; `data` when its manifest is damaged.
  public func manifest(_ epoch: Epoch) throws(Failure) -> Manifest {
    switch try content(of: epoch) {
    case .complete(let manifest): return manifest
    case .damaged(let failure): throw failure
    case .sealed, .unfinished:
      let known = try epochs().compactMap(\.manifest?.epoch.number).map { "\($0)" }.joined(separator: ", ")
      throw Failure(
        .noInput,
        "\(place): epoch \(epoch.number) is not complete; "
          + (known.isEmpty ? "no epoch is" : "complete epochs are \(known)"))
    }
  }

  /// The newest savepoint above an epoch, which lasts: it is seen a moment before its owner has made sure of that.
  public func savepoint(after former: Epoch) throws(Failure) -> Epoch? {
    guard let newest = try epochs().compactMap(\.manifest).last(where: { $0.kind == .savepoint })?.epoch,
      newest > former
    else { return nil }
    try steps { () throws(StorageProblem) in try storage.syncFolder(folder(of: newest)) }
    return newest
  }

  func numbers() throws(Failure) -> [Epoch] {
    let names = try steps { () throws(StorageProblem) in
      do throws(StorageProblem) { return try storage.entries(path) } catch {
        if error.isMissing { return [] }
        throw error
      }
    }
    return names.compactMap { name in
      guard name.hasPrefix("epoch-"), let number = UInt64(name.dropFirst(6)), "epoch-\(number)" == name else {
        return nil
      }
      return Epoch(number)
    }.sorted()
  }

  func content(of epoch: Epoch) throws(Failure) -> EpochEntry.Content {
    let path = "\(folder(of: epoch))/\(Self.manifestName)"
    do throws(StorageProblem) {
      return try document(storage.read(path), path, epoch)
    } catch {
      if !error.isMissing { return .damaged(error.failure(place)) }
    }
    do throws(StorageProblem) { return try markedContent(of: epoch) } catch {
      return error.isMissing ? .unfinished : .damaged(error.failure(place))
    }
  }

  private func document(_ bytes: [UInt8], _ path: String, _ epoch: Epoch) -> EpochEntry.Content {
    do throws(Failure) {
      switch try ManifestDocument(bytes, path: path) {
      case .seal(let seal): return .sealed(seal)
      case .manifest(let manifest):
        guard manifest.epoch == epoch else {
          throw Failure(
            .data,
            "\(path): the manifest is that of epoch \(manifest.epoch.number); put the folder back "
              + "under the name that it had")
        }
        return .complete(manifest)
      }
    } catch { return .damaged(error) }
  }

  /// Where there are no hard links: what the marker names, or, when it was torn in a crash, the only manifest that
  /// there is: the marker was made when that was durable. Elsewhere there was a manifest, and it is gone.
  private func markedContent(of epoch: Epoch) throws(StorageProblem) -> EpochEntry.Content {
    let folder = folder(of: epoch)
    let digest = String(decoding: try storage.read("\(folder)/\(Self.markerName)"), as: UTF8.self)
    let names = try storage.entries(folder).filter { $0.hasPrefix("manifest-") }
    if names.isEmpty {
      let path = "\(folder)/\(Self.manifestName)"
      // It may have come after it was looked for, and before the marker was.
      if try storage.size(path) != nil { return document(try storage.read(path), path, epoch) }
      return .damaged(
        Failure(.data, "\(path): the manifest is missing, and was there: bring it back, or the epoch is lost"))
    }
    for name in names {
      let bytes = try storage.read("\(folder)/\(name)")
      if names.count == 1 || SHA256.text(of: bytes) + "\n" == digest {
        return document(bytes, "\(folder)/\(name)", epoch)
      }
    }
    return .damaged(
      Failure(
        .data, "\(folder)/\(Self.markerName): names no manifest of this folder: the marker or the manifest is damaged"))
  }

  /// How much of an epoch's files is looked at.
  public enum Depth: Sendable {
    /// That they are there and have their sizes.
    case sizes
    /// Every byte.
    case contents
  }

  /// What is wrong with an epoch's files, each a sentence; empty when it is whole.
  ///
  /// - Parameter checked: what is known to be whole; what is found so is added.
  public func damage(
    of manifest: Manifest, depth: Depth = .contents, checked: inout Set<ContentName>
  ) -> [Failure] {
    var found: [Failure] = []
    let files = manifest.stages.flatMap(\.subtasks).flatMap(\.files).map(\.content)
    let contents = depth == .contents ? Array(Set(files).subtracting(checked)) : []
    let names = Dictionary(
      uniqueKeysWithValues: zip(contents, storage.contentNames(contents.map { path(of: $0) })))
    for stage in manifest.stages {
      for (index, subtask) in stage.subtasks.enumerated() {
        for file in subtask.files where !checked.contains(file.content) {
          let path = path(of: file.content)
          if let reason = damage(of: file, path, names[file.content]) {
            found.append(
              Failure(
                .data,
                "\(path): file \(file.name) of stage '\(stage.id)', subtask \(index), in "
                  + "epoch \(manifest.epoch.number), \(reason)"))
          } else if depth == .contents {
            checked.insert(file.content)
          }
        }
      }
    }
    return found
  }

  public func damage(of manifest: Manifest, depth: Depth = .contents) -> [Failure] {
    var checked: Set<ContentName> = []
    return damage(of: manifest, depth: depth, checked: &checked)
  }

  /// - Parameter name: what its content gives it; nil when that is not looked at.
  private func damage(
    of file: Manifest.File, _ path: String, _ name: Result<ContentName, StorageProblem>?
  ) -> String? {
    do throws(StorageProblem) {
      guard let size = try storage.size(path) else { return "is missing" }
      guard size == file.size else { return "has \(size) bytes, expected \(file.size)" }
      guard let content = try name?.get() else { return nil }
      return content == file.content ? nil : "is damaged: its checksum is \(content.text), expected its name"
    } catch {
      return "cannot be read: \(error.failure(place).message)"
    }
  }
}
