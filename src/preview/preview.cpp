#include "preview/preview.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "lightningd/features.hpp"
#include "util/log.hpp"

namespace preview {

using lightningd::FeerateLimits;
using lightningd::NodeInfo;
using lightningd::NodeLimits;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;

Preview::Preview(const peers::Process& process, lightningd::Client client, request::Request request, Ask ask)
    : calls_{scope_, std::move(client), process.settings},
      node_(process.node),
      book_(process.book),
      request_(std::move(request)),
      ask_(std::move(ask)),
      findings_{.request = request_, .node = node_},
      scope_(process.runtime, [this](const Error& error) { conclude(error); }),
      hanging_up_(process.runtime, [this](const Error& error) { std::exchange(done_, nullptr)(error); }),
      preparation_(calls_, request_),
      asking_(calls_),
      coin_look_(calls_, request_) {
  for (const auto& destination : request_.destinations) {
    looks_.push_back(std::make_unique<PeerLook>(process, calls_, destination));
  }
}

void Preview::run(Done done) {
  done_ = std::move(done);
  util::info("preview: ", looks_.size(), " destinations");
  preparation_.run(node_.features, [this](const Result<checks::Prepared>& answer) {
    if (!answer) return conclude(answer.error());
    prepared(*answer);
  });
}

void Preview::abort(const Error& error) { conclude(error); }

void Preview::prepared(const checks::Prepared& prepared) {
  choice_.feerate = findings_.feerate = prepared.feerate;
  findings_.commitment = prepared.commitment;
  commitment_feerate_ = prepared.commitment_feerate;
  std::vector<Spark> asked{ask_node(), ask_feerates(), ask_limits(), look_at_coins()};
  for (const auto& look : looks_) {
    const bool already = prepared.connected_already.contains(look->destination().index);
    asked.push_back(scope_.spark(
        [&look = *look, already](Completion completion) { look.connect(already, std::move(completion)); }));
  }
  scope_.wait(std::move(asked), [this] { ask_wallet(); });
}

// What lightningd does not tell about itself is left out.

Spark Preview::ask_node() {
  return scope_.spark([this](Completion completion) {
    auto then = [this, c = std::move(completion)](const Result<NodeInfo>& info) mutable {
      if (info) findings_.sync_warning = info->sync_warning;
      std::move(c).done();
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(then)));
  });
}

Spark Preview::ask_feerates() {
  return scope_.spark([this](Completion completion) {
    auto then = [this, c = std::move(completion)](const Result<FeerateLimits>& feerates) mutable {
      if (feerates) findings_.feerates = *feerates;
      std::move(c).done();
    };
    calls_.client.feerates(calls_.local<FeerateLimits>("feerates", std::move(then)));
  });
}

Spark Preview::ask_limits() {
  return scope_.spark([this](Completion completion) {
    auto then = [this, c = std::move(completion)](const Result<NodeLimits>& limits) mutable {
      if (limits) findings_.limits = *limits;
      std::move(c).done();
    };
    calls_.client.limits(calls_.local<NodeLimits>("listconfigs", std::move(then)));
  });
}

Spark Preview::look_at_coins() {
  return scope_.spark([this](Completion completion) {
    if (!coin_look_.minconf_is_ignored()) return std::move(completion).done();
    coin_look_.find_younger([this, c = std::move(completion)](std::vector<std::string> warnings) mutable {
      findings_.coin_warnings = std::move(warnings);
      std::move(c).done();
    });
  });
}

void Preview::ask_wallet() {
  choice_.minconf = request_.minconf;
  choice_.utxos = request_.utxos;
  choice_.has_utxos = request_.has_utxos;
  choice_.anchor_channel = findings_.anchors = anchors_negotiated();
  asking_.propose(choice_, payees(), [this](const Result<wallet::Proposal>& proposal) { quoted(proposal); });
}

void Preview::quoted(const Result<wallet::Proposal>& proposal) {
  if (proposal) {
    proposal_ = *proposal;
    return request_.dryrun == request::Request::DryRun::ask ? ask_peers() : conclude(report());
  }
  coin_look_.explain(proposal.error(), choice_.feerate, [this](const Error& error) { conclude(error); });
}

// For what each would get. Who could not be reached is not asked.
void Preview::ask_peers() {
  Inquiry::Order order{{}, commitment_feerate_, findings_.commitment};
  for (const auto& look : looks_) {
    if (!look->features()) continue;
    order.destinations.push_back(look->destination());
    order.destinations.back().amount = amount_of(look->destination());
  }
  ask_(std::move(order), scope_.guard<Inquiry::Answers>("inquiry", [this](Inquiry::Answers answers) {
    findings_.answers = std::move(answers);
    conclude(report());
  }));
}

void Preview::conclude(Result<std::string> answer) {
  if (answer_) return;
  answer_ = std::move(answer);
  scope_.end();
  std::vector<Spark> hung_up;
  for (const auto& look : looks_) {
    hung_up.push_back(hanging_up_.spark(
        [this, &look = *look](Completion completion) { look.hang_up(hanging_up_, std::move(completion)); }));
  }
  hanging_up_.wait(std::move(hung_up), [this] { std::exchange(done_, nullptr)(std::move(*answer_)); });
}

// --- As a batch has it, but for peers that were not reached: they are taken to be like this node. ---

wallet::Payees Preview::payees() const {
  wallet::Payees payees;
  payees.outputs = funding::Outputs(looks_.size());
  for (const auto& look : looks_) {
    const auto& destination = look->destination();
    payees.fixed = payees.fixed + destination.amount;
    if (!destination.share) continue;
    const auto most = wallet::most_for(node_.features, look->features().value_or(node_.features));
    payees.claims.push_back({destination.index, *destination.share, most});
  }
  payees.add_payments(request_);
  return payees;
}

bool Preview::anchors_negotiated() const {
  const auto anchors = lightningd::feature::anchors_zero_fee_htlc_tx;
  return node_.features.offers(anchors) && std::any_of(looks_.begin(), looks_.end(), [this](const auto& look) {
           return look->features().value_or(node_.features).offers(anchors);
         });
}

bitcoin::Sat Preview::amount_of(const request::Destination& destination) const {
  const auto share = proposal_->shares.find(destination.index);
  return share == proposal_->shares.end() ? destination.amount : share->second;
}

Result<std::string> Preview::report() {
  const auto& proposal = *proposal_;
  const auto cost = funding::cost_of(proposal.draft, proposal.paid, payees().outputs);
  if (!cost) return cost.error();
  if (const auto kept = wallet::check_wishes(*cost, request_); !kept) return kept.error();
  findings_.cost = *cost;
  findings_.left_out = proposal.left_out;
  for (const auto& payment : request_.payments) {
    findings_.payments.emplace_back(&payment, wallet::amount_of(request_, payment, proposal.shares));
  }
  const auto& psbt = proposal.draft.psbt;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    findings_.inputs.emplace_back(psbt.inputs()[i].outpoint, psbt.input_amount(i).value_or(bitcoin::Sat{}));
  }
  for (const auto& look : looks_) {
    const auto& destination = look->destination();
    findings_.peers.push_back({&destination, amount_of(destination), book_.told_in_vain().find(destination.id),
                               look->features(), look->failure()});
  }
  return preview_json(findings_);
}

}  // namespace preview
