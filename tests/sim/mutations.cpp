#include "sim/mutations.hpp"

#include "sim/mutated.hpp"

namespace {

std::string_view current;

}  // namespace

namespace sim {

bool mutated(std::string_view name) { return name == current; }

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> all{
      {"ignores-a-failed-complete", Invariant::secured_before_signing, true},
      {"does-not-look-at-the-channels", Invariant::secured_before_signing},
      {"settles-without-all-channels", Invariant::secured_before_signing},
      {"believes-signpsbt", Invariant::secured_before_signing, true},
      {"frees-coins-after-sending", Invariant::nothing_undone_after_sending, true},
      {"cancels-after-sending", Invariant::nothing_undone_after_sending, true},
      {"takes-an-error-for-not-sent", Invariant::nothing_undone_after_sending, true},
      {"takes-back-what-others-have", Invariant::nothing_undone_after_sending, true},
      {"takes-doubt-for-refusal", Invariant::nothing_undone_after_sending},
      {"aborts-before-confirmed", Invariant::nothing_undone_after_sending},
      {"aborts-off-the-record", Invariant::nothing_undone_after_sending},
      {"guesses-at-replies", Invariant::nothing_left, true},
      {"claims-what-it-did-not-add", Invariant::others_untouched},
      {"keeps-the-coins", Invariant::nothing_left, true},
      {"keeps-coins-for-a-channel", Invariant::nothing_left},
      {"leaves-openings", Invariant::nothing_left, true},
      {"keeps-the-record", Invariant::nothing_left, true},
      {"does-not-recover", Invariant::nothing_left, true},
      {"answers-twice", Invariant::one_reply, true},
      {"talks-on-after-the-answer", Invariant::one_reply, true},
      {"frees-coins-of-others", Invariant::others_untouched, true},
      {"renewal-explains-all", Invariant::others_untouched, true, 903275},
      {"reserves-beside-unanswered", Invariant::nothing_left, true, 750300},
      {"frees-coins-twice", Invariant::others_untouched, true},
      {"cancels-whatever-comes-first", Invariant::others_untouched, true},
      {"retracts-whatever-comes-first", Invariant::others_untouched},
      {"cancels-beside-others", Invariant::others_untouched, true},
      {"aborts-with-coins-of-others", Invariant::others_untouched},
      {"takes-any-opening", Invariant::others_untouched, true},
      {"closes-over-others", Invariant::others_untouched},
      {"forgets-the-given-up", Invariant::every_destination_once, true},
      {"forgets-the-failed", Invariant::every_destination_once, true},
      {"waits-for-ever", Invariant::ends_in_time, true},
      {"tries-for-ever", Invariant::ends_in_time, true},
      {"pays-too-much", Invariant::transaction_is_right, true},
      {"aborts-for-too-little", Invariant::transaction_is_right},
      {"rounds-the-fee-down", Invariant::transaction_is_right, true},
      {"ignores-the-floor", Invariant::transaction_is_right, true},
      {"ignores-the-limit", Invariant::transaction_is_right, true},
      {"spends-what-costs-more", Invariant::transaction_is_right, true},
      {"counts-what-is-left-out", Invariant::transaction_is_right, true},
      {"sends-version-0", Invariant::transaction_is_right, true},
      {"dies-of-nonsense", Invariant::never_crashes, true},
      {"dies-of-a-typo", Invariant::never_crashes, true},
      {"answers-the-hook-wrongly", Invariant::never_crashes, true},
      {"lets-reservations-lapse", Invariant::inputs_stay_reserved, true, 10769},
      {"tells-all-at-once", Invariant::told_last, true},
      {"ignores-silence", Invariant::told_while_all_are_there, true},
      {"forgets-who-was-told", Invariant::told_in_vain_is_known, true},
      {"believes-any-record", Invariant::others_untouched, true},
      {"believes-recorded-scripts", Invariant::signs_only_ours},
      {"forgets-payments", Invariant::signs_only_ours, true},
      {"pays-another-amount", Invariant::signs_only_ours, true},
      {"pays-without-channels", Invariant::signs_only_ours, true},
      {"keeps-no-change", Invariant::signs_only_ours, true},
      {"marks-no-payment", Invariant::transaction_is_right, true},
      {"signs-without-evidence", Invariant::signs_only_ours, true},
      {"logs-the-transaction", Invariant::no_secret_logged, true},
      {"passes-errors-on", Invariant::no_secret_logged, true},
      {"writes-controls-raw", Invariant::texts_are_clean, true},
  };
  return all;
}

const std::vector<TestedMutation>& tested_mutations() {
  static const std::vector<TestedMutation> all{
      {"accepts-contradictory-records", "each channel has an output of its own, with its amount"},
      {"takes-an-outnum-twice", "each channel has an output of its own, with its amount"},
      {"takes-a-peer-twice", "a record names each peer once, and no more than there is"},
      {"takes-any-time", "a record has a batch's id and a time that there was"},
      {"takes-heights-far-apart", "a record's heights are some that a chain has, and near each other"},
      {"takes-a-dressed-psbt", "a record's psbt is the bare transaction: nothing in it tells lightningd how to sign"},
      {"takes-a-payment-twice", "each payment of a record has an output of its own, exactly"},
      {"takes-any-amount", "each payment of a record has an output of its own, exactly"},
      {"signs-any-payment", "a payment is signed exactly as it is on record, once"},
      {"pays-other-networks", "what is wrong with a payment is refused before anything happens"},
      {"omits-the-witness-script", "what a wallet of lightningd spends is finished as bitcoind does it"},
      {"keeps-every-report", "batches that have ended are kept as long as they fit, the last one always"},
      {"repeats-long-names", "an error repeats at most 100 characters of a name, and no control character"},
      {"nests-too-deep", "101 levels are an error, and so are 100,000, in linear time"},
      {"ignores-the-filter", "a command's result is filtered, its errors are not"},
      {"announces-an-alias", "an announced channel has no alias"},
      {"opens-to-itself", "our own node is no destination, however its id is written"},
      {"asks-peers-without-estimates", "without fee estimates nobody is asked, and the remedy is named"},
      {"leaves-fields-to-the-peers", "what lightningd would refuse of a destination it is asked for beforehand"},
      {"names-another-feerate", "an error of commitment_feerate carries its name"},
      {"forgets-earlier-attempts",
       "a connect that waits behind an earlier one to the same peer says so, and what to do"},
      {"says-lightningd-stops", "a caller whose plugin is stopped is told that the batch was undone"},
      {"drops-close-to-silently", "the call tells of a close_to as its preview does, in the log and in the details"},
      {"pushes-too-much", "a push that no peer can take is refused with the largest that works"},
      {"reserves-too-much", "a reserve that no peer's channel can bear is refused with the largest that works"},
      {"starts-who-was-dropped", "a peer goes away while it is started again for another amount: the batch ends"},
      {"ignores-lost-openings", "a peer that hangs up while it waits and comes back has no opening any more"},
      {"drops-in-a-hold-up", "lightningd is held up for longer than a ping may take: nobody is dropped for it"},
      {"remembers-what-nobody-told", "what lightningd itself refuses was told to nobody"},
      {"asks-beside-a-lockin", "a peer with a channel that awaits its lock-in is not asked"},
      {"asks-again-who-hung-up", "a peer that hangs up in its first start has failed, as with the builtin"},
      {"signs-below-the-floor", "a floor that rises while the peers take their time is seen before anything is signed"},
      {"settles-what-is-refused", "a refused transaction with one channel is taken back, and the caller hears so"},
      {"settles-below-the-floor", "after a crash it is not sent below the floor, but as soon as that has fallen"},
      {"leaves-added-blocks",
       "a batch that was settling for days leaves what the builtin leaves, however often it was extended"},
      {"closes-over-others",
       "two channels of a batch are closed, and the next batch reserves what is freed: it keeps it"},
      {"aborts-what-is-in-use", "nothing is signed when a channel has come to be in use since the user decided"},
      {"offers-what-is-in-use", "a channel that is in use already is not aborted"},
      {"takes-any-memo", "a memo is a short text in one line"},
      {"forgets-memos", "a record keeps the memos of its destinations, and one of an earlier version has none"},
      {"reads-comments",
       "one text with several destinations: white space or commas between, comments up to the end of the line"},
      {"counts-no-lines", "an error in one text names line and column"},
      {"counts-bytes", "an error in one text names line and column"},
      {"takes-one-of-several", "a list may hold texts and objects"},
      {"leaves-names-apart", "lightning-cli takes a text with a = in it for a name and its value"},
      {"leaves-escapes", "lightning-cli takes a text with a = in it for a name and its value"},
      {"trusts-the-first-look",
       "a rival that the wallet has not recorded ends the batch, six blocks after it was first seen"},
  };
  return all;
}

void mutate(std::string_view name) { current = name; }

}  // namespace sim
