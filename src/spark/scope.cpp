#include "spark/scope.hpp"

#include <map>
#include <optional>

#include "util/log.hpp"

namespace spark {

using Id = std::uint64_t;

/// One thing that a scope may still run: a body, a wait's continuation, a timer, a guarded callback
/// or, with both parts, a guarded callback and what runs when its deadline passes instead.
struct Entry {
  util::AnyFunction callback;
  util::Function<void()> task;
  std::optional<Runtime::TimerId> timer;
};

/// Owned by its Scope alone. All else refers to it weakly and to its entries by id, so that ending
/// the scope can destroy them at once, wherever they are waited for.
struct Core : std::enable_shared_from_this<Core> {
  Core(Runtime& the_runtime, util::Function<void(util::Error)> on_failed)
      : runtime(the_runtime), failed(std::move(on_failed)) {}

  /// An ended scope takes nothing: the id is then of an entry that is gone already.
  Id hold(Entry entry) {
    const auto id = next_id++;
    if (!ended) entries.emplace(id, std::move(entry));
    return id;
  }

  Id hold_until(Duration deadline, util::AnyFunction callback, util::Function<void()> task) {
    const auto id = hold({std::move(callback), std::move(task), std::nullopt});
    if (!ended) entries[id].timer = runtime.start_timer(deadline, runner(id));
    return id;
  }

  std::optional<Entry> take(Id id) {
    const auto found = entries.find(id);
    if (found == entries.end()) return std::nullopt;
    auto entry = std::move(found->second);
    entries.erase(found);
    if (entry.timer) runtime.stop_timer(*entry.timer);
    return entry;
  }

  void ready(Id id) {
    if (!ended) runtime.post(runner(id));
  }

  util::Function<void()> runner(Id id) {
    return [weak = weak_from_this(), id] {
      const auto core = weak.lock();
      if (auto entry = core ? core->take(id) : std::nullopt) entry->task();
    };
  }

  void end() {
    ended = true;
    const auto withdrawn = std::move(failed);
    drop_entries();
  }

  void fail(util::Error error) {
    if (ended) return;
    ended = true;
    runtime.post([weak = weak_from_this(), error = std::move(error)]() mutable {
      const auto core = weak.lock();
      if (!core) return;
      if (auto report = std::move(core->failed)) report(std::move(error));
    });
    drop_entries();
  }

  /// Destructors may come back here, and find a scope that has ended and holds nothing.
  void drop_entries() {
    const auto dropped = std::move(entries);
    entries.clear();
    for (const auto& [id, entry] : dropped) {
      if (entry.timer) runtime.stop_timer(*entry.timer);
    }
  }

  Runtime& runtime;
  util::Function<void(util::Error)> failed;
  bool ended = false;
  Id next_id = 1;
  std::map<Id, Entry> entries;
};

/// What one call of wait() still waits for.
struct Wait {
  std::weak_ptr<Core> core;
  std::size_t missing;
  Id then;
};

struct SparkState {
  std::weak_ptr<Core> core;
  bool completed = false;
  std::vector<std::shared_ptr<Wait>> waits;

  void complete() {
    const auto own = core.lock();
    if (!own || own->ended) return;
    completed = true;
    for (const auto& wait : std::exchange(waits, {})) {
      if (--wait->missing > 0) continue;
      if (const auto waiting = wait->core.lock()) waiting->ready(wait->then);
    }
  }
};

Completion::Completion(std::shared_ptr<SparkState> state) : state_(std::move(state)) {}

Completion& Completion::operator=(Completion&& other) noexcept {
  auto incoming = std::move(other);
  std::swap(state_, incoming.state_);
  return *this;
}

Completion::~Completion() {
  if (!state_) return;
  if (const auto core = state_->core.lock()) core->fail({.message = "spark abandoned"});
}

void Completion::done() && {
  if (const auto state = std::move(state_)) state->complete();
}

Spark::Spark(std::shared_ptr<SparkState> state) : state_(std::move(state)) {}

bool Spark::completed() const { return state_->completed; }

Guarded::Guarded(std::weak_ptr<Core> core, Id id, const char* what, util::AnyFunction late)
    : core_(std::move(core)), id_(id), what_(what), late_(std::move(late)) {}

Guarded::~Guarded() {
  const auto core = core_.lock();
  if (!core) return;
  const auto found = core->entries.find(id_);
  if (found != core->entries.end() && !found->second.timer) static_cast<void>(core->take(id_));
}

util::AnyFunction Guarded::take() {
  const auto core = core_.lock();
  auto entry = core ? core->take(id_) : std::nullopt;
  auto late = std::move(late_);
  if (entry) return std::move(entry->callback);
  if (!late) util::debug("nobody waits any more for: ", what_);
  return late;
}

Scope::Scope(Runtime& runtime, util::Function<void(util::Error)> failed)
    : core_(std::make_shared<Core>(runtime, std::move(failed))) {}

Scope::~Scope() { core_->end(); }

Spark Scope::spark(util::Function<void(Completion)> body) {
  auto state = std::make_shared<SparkState>();
  state->core = core_;
  core_->ready(core_->hold({{}, [state, body = std::move(body)]() mutable { body(Completion(state)); }, {}}));
  return Spark(std::move(state));
}

void Scope::wait(std::vector<Spark> sparks, util::Function<void()> then) {
  const auto id = core_->hold({{}, std::move(then), std::nullopt});
  const auto wait = std::make_shared<Wait>(Wait{core_, 0, id});
  for (const auto& spark : sparks) {
    if (spark.completed()) continue;
    ++wait->missing;
    spark.state_->waits.push_back(wait);
  }
  if (wait->missing == 0) core_->ready(id);
}

void Scope::after(Duration delay, util::Function<void()> task) { core_->hold_until(delay, {}, std::move(task)); }

Guarded Scope::hold(const char* what, util::AnyFunction callback) {
  return {core_, core_->hold({std::move(callback), nullptr, std::nullopt}), what, {}};
}

Guarded Scope::hold_until(const char* what, util::AnyFunction callback, Duration deadline,
                          util::Function<void()> expired, util::AnyFunction late) {
  return {core_, core_->hold_until(deadline, std::move(callback), std::move(expired)), what, std::move(late)};
}

void Scope::fail(util::Error error) { core_->fail(std::move(error)); }

void Scope::end() { core_->end(); }

bool Scope::ended() const { return core_->ended; }

Runtime& Scope::runtime() const { return core_->runtime; }

}  // namespace spark
