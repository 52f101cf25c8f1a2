import Base

/// A stage's part in the epochs of its job, in one subtask.
struct StageEpochs: Sendable {
  let job: JobEpochs
  let place: StagePlace

  func take(_ snapshot: StageSnapshot, _ epoch: Epoch) { job.checkpoints.take(snapshot, of: place, epoch: epoch) }
  func end(_ snapshot: StageSnapshot) { job.checkpoints.end(snapshot, of: place) }
}
