import Base

/// What became of a document that was to have a number.
public enum Publication: Sendable, Hashable {
  /// It has it, durably.
  case done
  /// Another document has the number, or somebody else owns the directory by now, who alone decides whether the document counts.
  case lost
}

extension CheckpointDirectory {
  /// Uses up a number, for good: before anything is written anywhere in the name of the epoch.
  public func reserve(_ epoch: Epoch) throws(Failure) {
    try steps { () throws(StorageProblem) in try storage.makeFolder(folder(of: epoch), in: path) }
  }

  /// Completes an epoch that was reserved: the commit point. All files that the manifest names are in the directory, by
  /// `CheckpointFiles.add`, and are made durable here.
  ///
  /// - Throws: when a step failed; then the epoch may be complete or not, and its number is used up. A manifest that
  ///   is there is whole all the same, and what it says may be gone on from.
  public func publish(
    _ manifest: Manifest, _ permit: consuming CommitPermit, files: inout CheckpointFiles, lease: DirectoryLease
  ) throws(Failure) -> Publication {
    precondition(permit.epoch == manifest.epoch, "a permit completes its own epoch")
    try files.sync()
    guard lease.isHeld else { return .lost }
    let bytes = try bytes(.manifest(manifest), manifest.epoch)
    let publication = try publish(bytes, epoch: manifest.epoch, generation: lease.generation)
    // Whoever takes the directory from now on sees the manifest. A generation that is there by now may have looked before: then it goes
    // on from an earlier epoch, its seal says so for all times, and this one must not show. Or it has not, and goes on from this
    // one: so the manifest stays.
    guard publication == .done, try lease.isNewest() else { return .lost }
    mark(manifest.epoch, bytes)
    return .done
  }

  /// Takes a number away from whoever owned the directory before.
  public func seal(_ seal: Seal, epoch: Epoch) throws(Failure) -> Publication {
    try reserve(epoch)
    let bytes = try bytes(.seal(seal), epoch)
    let publication = try publish(bytes, epoch: epoch, generation: seal.generation)
    if publication == .done { mark(epoch, bytes) }
    return publication
  }

  /// Notes that the manifest is there. The epoch is as good without it, so that a disk that is full does no harm; and it
  /// need not last: what is missing then is told as unfinished. Without hard links it is there already.
  private func mark(_ epoch: Epoch, _ bytes: [UInt8]) {
    let folder = folder(of: epoch)
    guard let size = try? storage.size("\(folder)/\(Self.manifestName)"), size > 0 else { return }
    try? storage.write(marker(bytes), to: "\(folder)/\(Self.markerName)", onlyNew: false)
  }

  private func marker(_ bytes: [UInt8]) -> [UInt8] { Array("\(SHA256.text(of: bytes))\n".utf8) }

  private func bytes(_ document: ManifestDocument, _ epoch: Epoch) throws(Failure) -> [UInt8] {
    do { return try document.encoded() } catch {
      throw Failure(.software, "\(place): the manifest of epoch \(epoch.number) cannot be written: \(error)")
    }
  }

  private func publish(_ bytes: [UInt8], epoch: Epoch, generation: Generation) throws(Failure) -> Publication {
    try steps { () throws(StorageProblem) in
      let folder = folder(of: epoch)
      let hidden = "\(folder)/manifest.tmp-\(generation.number)"
      try storage.write(bytes, to: hidden, onlyNew: false)
      try storage.syncFile(hidden)
      do throws(StorageProblem) {
        try storage.link(hidden, to: "\(folder)/\(Self.manifestName)")
      } catch {
        if error.cannotLink { return try publishWithMarker(bytes, hidden, folder, generation) }
        try? storage.remove(hidden)
        if error.isTaken { return .lost }
        throw error
      }
      try storage.syncFolder(folder)
      try? storage.remove(hidden)
      return .done
    }
  }

  /// Without hard links: the manifest under a name of its own first, then the marker, which is made once.
  private func publishWithMarker(
    _ bytes: [UInt8], _ hidden: String, _ folder: String, _ generation: Generation
  ) throws(StorageProblem) -> Publication {
    try storage.rename(hidden, to: "\(folder)/manifest-\(generation.number).json")
    try storage.syncFolder(folder)
    let marker = "\(folder)/\(Self.markerName)"
    do throws(StorageProblem) {
      try storage.write(self.marker(bytes), to: marker, onlyNew: true)
    } catch {
      if error.isTaken { return .lost }
      throw error
    }
    try storage.syncFolder(folder)
    return .done
  }
}
