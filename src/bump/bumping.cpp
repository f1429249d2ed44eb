#include "bump/bumping.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "util/str.hpp"

namespace bump {

using util::Error;
using util::Result;
using util::str;

namespace {

std::string bump_json(const Bumping::Target& target, const BumpTransaction& transaction, bool bumped) {
  json::Writer out;
  out.object();
  if (!target.batch.empty()) out.field("batch", target.batch);
  out.field("bumped", bumped).field("txid", target.txid.hex()).field("bump_txid", transaction.txid.hex());
  out.field("spends", transaction.spends.str()).field("fee_msat", bitcoin::to_msat(transaction.fee).value);
  out.field("returned_msat", bitcoin::to_msat(transaction.returned).value);
  out.field("package_feerate_perkw", transaction.package.feerate().value);
  out.field("package_fee_msat", bitcoin::to_msat(transaction.package.fee).value);
  out.field("package_vbytes", transaction.package.vbytes);
  if (transaction.replaces) out.field("replaces", transaction.replaces->hex());
  return out.end().take();
}

Error not_known_yet() {
  return Error{
      -1,
      "which transactions are bumped is not known yet, since lightningd does not tell what is in its datastore: "
      "try again",
      {}};
}

}  // namespace

Bumping::Bumping(const Parts& parts)
    : caller_(parts.caller),
      settings_(parts.settings),
      why_not_(parts.why_not),
      bumps_(parts.runtime, lightningd::Client(parts.caller, ""), parts.settings, parts.seals),
      leftovers_(parts.runtime, lightningd::Client(parts.caller, ""), parts.settings, bumps_),
      scope_(parts.runtime, nullptr) {}

context::Calls Bumping::calls(const std::string& origin) {
  return {scope_, lightningd::Client(caller_, origin), settings_};
}

void Bumping::bump(plugin::Command command, const BumpRequest& request, const Target& target) {
  if (!bumps_.known()) return command.fail(not_known_yet());
  const bool busy =
      std::any_of(runs_.begin(), runs_.end(), [&target](const auto& run) { return run->target.txid == target.txid; });
  if (busy) return command.fail(Error{-1, "batch: another bump of its transaction is under way: try again", {}});
  runs_.push_back(std::make_unique<Run>(Run{std::move(command), request, target}));
  auto& run = *runs_.back();
  run.offer =
      std::make_unique<BumpOffer>(calls(run.command.raw_id()), bumps_,
                                  BumpOffer::Wish{target.txid, request.feerate, request::FeeCap{request.max_fee, {}}});
  run.offer->ask([this, &run](const Result<BumpTransaction>& transaction) { offered(run, transaction); });
}

void Bumping::offered(Run& run, const Result<BumpTransaction>& transaction) {
  if (!transaction) return end(run, transaction.error());
  auto result = bump_json(run.target, *transaction, !run.request.dryrun);
  if (run.request.dryrun) return end(run, std::move(result));
  auto why_not = [this, batch = run.target.batch] { return why_not_(batch); };
  run.send = std::make_unique<BumpSend>(calls(run.command.raw_id()), bumps_, run.target.batch, *transaction);
  run.send->run(std::move(why_not), [this, &run, result = std::move(result)](const Result<void>& sent) {
    if (sent) leftovers_.look();
    end(run, sent ? Result<std::string>(result) : Result<std::string>(sent.error()));
  });
}

// It is in the middle of calling this.
void Bumping::end(Run& run, const Result<std::string>& result) {
  result ? run.command.succeed(*result) : run.command.fail(result.error());
  scope_.runtime().post(scope_.guard<>(
      "bump", [this, &run] { std::erase_if(runs_, [&run](const auto& one) { return one.get() == &run; }); }));
}

Result<bitcoin::Sat> Bumping::fee_of(const bitcoin::Txid& txid) const {
  if (!bumps_.known()) return not_known_yet();
  const auto* const bump = bumps_.of(txid);
  return bump != nullptr ? bump->most_fee : bitcoin::Sat{};
}

std::string Bumping::list(const std::optional<std::string>& batch) const {
  json::Writer out;
  out.array();
  bool any = false;
  for (const auto& bump : bumps_.all()) {
    if (bump.decided_at > 0 || (batch && bump.shown.batch != *batch)) continue;
    bumps::write_bump(out, bump.shown);
    any = true;
  }
  return any ? out.end().take() : std::string();
}

void Bumping::leave(const Error& end) {
  scope_.end();
  leftovers_.leave();
  for (const auto& run : runs_) {
    const auto in_doubt = run->send ? run->send->in_doubt() : std::nullopt;
    run->command.fail(in_doubt.value_or(end));
  }
  runs_.clear();
}

}  // namespace bump
