#include "app/inquiries.hpp"

#include <utility>

namespace app {

using util::Result;

void Inquiries::start(const peers::Process& process, const std::string& origin, preview::Inquiry::Order order,
                      util::Function<void(Answers)> then) {
  parts_.seals.get([this, process, origin, order = std::move(order),
                    then = std::move(then)](const Result<journal::SealSource::Seal>& seal) mutable {
    if (stopped_) return then({});
    if (seal) {
      return start(process, lightningd::Client(parts_.caller, origin), std::move(order), std::move(then), *seal);
    }
    Answers answers;
    for (const auto& one : order.destinations) {
      answers[one.index] = {report::PeerFailure{preview::Inquiry::not_asked, seal.error()}, {}};
    }
    then(std::move(answers));
  });
}

void Inquiries::start(const peers::Process& process, const lightningd::Client& client, preview::Inquiry::Order order,
                      util::Function<void(Answers)> then, const journal::SealSource::Seal& seal) {
  auto kept = parts_.new_record(client, process.settings, seal);
  const auto id = kept.ledger->id;
  auto& inquiry = running_[id];
  inquiry = std::make_unique<preview::Inquiry>(process, client, std::move(order), std::move(kept));
  inquiry->run(
      [this, id, pause = process.settings.settle_pause, then = std::move(then)](Answers answers, bool settled) mutable {
        ended(id, settled, pause);
        then(std::move(answers));
      });
}

// What could not be undone yet is undone as after a batch.
void Inquiries::ended(const std::string& id, bool settled, spark::Duration pause) {
  if (!running_.contains(id)) return;  // left, when the node stopped
  const auto inquiry = std::move(running_.extract(id).mapped());
  auto kept = inquiry->kept();
  const bool in_doubt = settled && kept.journal->in_doubt();
  if (!settled && !stopped_) {
    auto report = report::report_on(*kept.ledger);
    parts_.left.settle(std::move(kept), std::move(report), pause, nullptr);
  }
  parts_.ended(in_doubt);
}

void Inquiries::stop() {
  stopped_ = true;
  for (const auto& [id, inquiry] : running_) inquiry->abort();
}

void Inquiries::leave() {
  stopped_ = true;
  running_.clear();
}

}  // namespace app
