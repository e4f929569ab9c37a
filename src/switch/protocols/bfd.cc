#include "switch/protocols/bfd.h"

#include <fmt/core.h>

#include <algorithm>

namespace weft::vswitch {

namespace {

constexpr int64_t kLeastDataHoldMs = 1000;  // packets are counted twice a second
constexpr int64_t kControlsPerData = 100;   // intervals that data may stand in for messages

std::string flags_text(uint8_t flags) {
    static constexpr struct {
        uint8_t bit;
        const char* name;
    } kNames[] = {{BfdMessage::kMultipoint, "multipoint"}, {BfdMessage::kDemand, "demand"},
                  {BfdMessage::kAuthentication, "auth"},   {BfdMessage::kControlPlaneIndependent, "ctl"},
                  {BfdMessage::kFinal, "final"},           {BfdMessage::kPoll, "poll"}};
    std::string out;
    for (const auto& [bit, name] : kNames) {
        if (flags & bit) out += (out.empty() ? "" : " ") + std::string(name);
    }
    return out.empty() ? "none" : out;
}

bool path_down(BfdDiag diag) {
    return diag == BfdDiag::kConcatenatedPathDown || diag == BfdDiag::kReverseConcatenatedPathDown;
}

packet::BfdSession::Settings settings_of(const BfdOptions& options) {
    packet::BfdSession::Settings settings;
    settings.min_tx_ms = options.min_tx_ms;
    settings.min_rx_ms = options.min_rx_ms;
    settings.multiplier = options.multiplier;
    settings.path_down = options.cpath_down;
    settings.poll_when_up = false;
    return settings;
}

}  // namespace

Bfd::Bfd(uint32_t discriminator, const BfdOptions& options, std::function<uint32_t()> random, int64_t now_ms)
    : options_(options), session_(discriminator, settings_of(options), std::move(random), now_ms) {
    note_changes(now_ms);
}

void Bfd::configure(const BfdOptions& options, int64_t now_ms) {
    if (options == options_) return;
    BfdOptions before = std::exchange(options_, options);
    session_.configure(settings_of(options), now_ms);
    if (options.min_rx_ms != before.min_rx_ms || options.decay_min_rx_ms != before.decay_min_rx_ms) {
        decayed_ = false;
        session_.want_min_rx(options.min_rx_ms, now_ms);
        open_decay_window(now_ms);
    }
    if (!wants_counts()) counted_ = false;
    note_changes(now_ms);
}

void Bfd::receive(ByteView payload, uint8_t ttl, int64_t now_ms) {
    if (const char* why = session_.receive(payload, ttl, now_ms)) {
        ++rejected_;
        last_rejection_ = why;
        return;
    }
    ++controls_;
    last_control_ms_ = std::max<int64_t>(1, now_ms);
    note_changes(now_ms);
}

// What follows from a new state or diagnostic of the session.
void Bfd::note_changes(int64_t now_ms) {
    BfdState state = session_.state();
    if (state != state_ || session_.diag() != diag_) {
        if (!transitions_.empty()) transitions_ += " ";
        transitions_ +=
            fmt::format("BFD state change: {}->{} \"{}\"->\"{}\".", bfd_state_name(state_),
                        bfd_state_name(state), bfd_diag_name(diag_), bfd_diag_name(session_.diag()));
    }
    diag_ = session_.diag();
    if (std::exchange(state_, state) != state) {
        if (state == BfdState::kUp) open_decay_window(now_ms);
        if (state == BfdState::kDown) {
            decayed_ = false;
            decay_check_ms_ = 0;
        }
    }
    update_forwarding(now_ms);
}

std::optional<BfdMessage> Bfd::poll(int64_t now_ms) {
    decay(now_ms);
    std::optional<BfdMessage> message = session_.poll(now_ms);
    note_changes(now_ms);
    return message;
}

int64_t Bfd::next_wakeup_ms() const {
    int64_t at = session_.next_wakeup_ms();
    if (decay_check_ms_) at = std::min(at, decay_check_ms_);
    if (options_.forwarding_if_rx && forwarding_ && !session_.up()) at = std::min(at, data_until_ms_);
    return at;
}

void Bfd::count_received(uint64_t packets, int64_t now_ms) {
    if (!counted_ || packets < first_received_) {  // the first count, or the counter began anew
        counted_ = true;
        first_received_ = packets;
        first_controls_ = controls_;
        data_ = 0;
        open_decay_window(now_ms);
        return;
    }
    int64_t data =
        static_cast<int64_t>(packets - first_received_) - static_cast<int64_t>(controls_ - first_controls_);
    if (data <= data_) return;
    data_ = data;
    data_until_ms_ =
        now_ms + std::max(kLeastDataHoldMs, session_.rx_interval_ms() * session_.remote().multiplier);
    if (decayed_ && !idle()) {
        decayed_ = false;
        session_.want_min_rx(options_.min_rx_ms, now_ms);
        open_decay_window(now_ms);
    }
    update_forwarding(now_ms);
}

void Bfd::open_decay_window(int64_t now_ms) {
    decay_check_ms_ = 0;
    if (!options_.decay_min_rx_ms || !counted_ || !session_.up()) return;
    decay_check_ms_ = now_ms + std::max(options_.decay_min_rx_ms, 2 * session_.rx_interval_ms());
    decay_data_ = data_;
    decay_controls_ = controls_;
}

// Not more data than messages came in the window: an ARP now and then is no traffic to speak of.
bool Bfd::idle() const {
    return data_ - decay_data_ <= static_cast<int64_t>(controls_ - decay_controls_);
}

void Bfd::decay(int64_t now_ms) {
    if (!decay_check_ms_ || now_ms < decay_check_ms_) return;
    decayed_ = idle();
    session_.want_min_rx(decayed_ ? options_.decay_min_rx_ms : options_.min_rx_ms, now_ms);
    open_decay_window(now_ms);
}

bool Bfd::data_holds(int64_t now_ms) const {
    return options_.forwarding_if_rx && now_ms < data_until_ms_ && last_control_ms_ &&
           now_ms < last_control_ms_ + kControlsPerData * options_.min_rx_ms;
}

void Bfd::update_forwarding(int64_t now_ms) {
    bool now = forced_.value_or((session_.up() || data_holds(now_ms)) && !path_down(session_.remote().diag));
    if (now == forwarding_) return;
    forwarding_ = now;
    if (!forced_) ++flaps_;
}

void Bfd::override_forwarding(std::optional<bool> forwarding, int64_t now_ms) {
    forced_ = forwarding;
    update_forwarding(now_ms);
}

std::string Bfd::take_transitions() {
    return std::exchange(transitions_, {});
}

std::map<std::string, std::string> Bfd::status() const {
    const packet::BfdSession::Remote& remote = session_.remote();
    return {{"state", bfd_state_name(state_)},
            {"forwarding", forwarding_ ? "true" : "false"},
            {"diagnostic", bfd_diag_name(diag_)},
            {"remote_state", bfd_state_name(remote.state)},
            {"remote_diagnostic", bfd_diag_name(remote.diag)},
            {"flap_count", std::to_string(flaps_)}};
}

std::string Bfd::show(int64_t now_ms) const {
    const packet::BfdSession::Remote& remote = session_.remote();
    std::string out;
    auto line = [&](std::string_view name, const auto& value) {
        out += fmt::format("  {}: {}\n", name, value);
    };
    auto time = [&](std::string_view name, int64_t at) {
        out += fmt::format("  {}: now {:+}ms\n", name, at - now_ms);
    };
    auto ms = [](int64_t value) { return fmt::format("{}ms", value); };
    line("Forwarding", forwarding_);
    line("Detect Multiplier", options_.multiplier);
    line("Concatenated Path Down", options_.cpath_down);
    line("TX Interval", "Approx " + ms(session_.tx_interval_ms()));
    line("RX Interval", "Approx " + ms(session_.rx_interval_ms()));
    time("Detect Time", session_.detect_ms());
    time("Next TX Time", session_.next_tx_ms());
    time("Last TX Time", session_.last_tx_ms());
    out += "\n";
    line("Local Flags", flags_text(session_.polling() ? BfdMessage::kPoll : 0));
    line("Local Session State", bfd_state_name(state_));
    line("Local Diagnostic", bfd_diag_name(diag_));
    line("Local Discriminator", fmt::format("{:#x}", discriminator()));
    line("Local Minimum TX Interval", ms(session_.min_tx_ms()));
    line("Local Minimum RX Interval", ms(session_.min_rx_ms()));
    out += "\n";
    line("Remote Flags", flags_text(remote.flags));
    line("Remote Session State", bfd_state_name(remote.state));
    line("Remote Diagnostic", bfd_diag_name(remote.diag));
    line("Remote Discriminator", fmt::format("{:#x}", remote.discriminator));
    line("Remote Minimum TX Interval", ms(remote.min_tx_ms));
    line("Remote Minimum RX Interval", ms(remote.min_rx_ms));
    line("Remote Detect Multiplier", remote.multiplier);
    return out;
}

}  // namespace weft::vswitch
