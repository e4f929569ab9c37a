#include "base/options.h"

#include <getopt.h>

#include <fmt/format.h>

#include "base/version.h"

namespace weft {

namespace {

constexpr int kFirstLong = 256;  // getopt's value of options_[0]'s long form; letters are below

int argument_kind(const Option& option) {
    if (option.argument.empty()) return no_argument;
    return option.argument.front() == '[' ? optional_argument : required_argument;
}

// What --help shows for an option: "-t, --timeout=SECS".
std::string usage_of(const Option& option) {
    std::string text = option.letter ? std::string("-") + option.letter : std::string("   ");
    std::string_view argument = option.argument;
    if (option.name.empty()) return argument.empty() ? text : fmt::format("{} {}", text, argument);
    text += option.letter ? ", --" : " --";
    text += option.name;
    if (argument_kind(option) == optional_argument) {
        argument.remove_prefix(1);
        argument.remove_suffix(1);
        return fmt::format("{}[={}]", text, argument);
    }
    return argument.empty() ? text : fmt::format("{}={}", text, argument);
}

// Breaks text at spaces so that no line is longer than `width`.
std::vector<std::string> wrap(std::string_view text, size_t width) {
    std::vector<std::string> lines(1);
    while (!text.empty()) {
        size_t end = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
        if (!lines.back().empty()) lines.back() += ' ';
        lines.back() += word;
    }
    return lines;
}

void append_entry(std::string& out, const std::string& usage, std::string_view help) {
    constexpr size_t kColumn = 30, kWidth = 79;
    std::string line = "  " + usage;
    if (line.size() + 2 > kColumn) {
        out += line + "\n";
        line.clear();
    }
    for (const std::string& part : wrap(help, kWidth - kColumn)) {
        line.resize(kColumn, ' ');
        out += line + part + "\n";
        line.clear();
    }
}

// Text for man(7): a backslash, and a dot or quote at the start of a line, are its own; plain minus signs
// stay so.
std::string roff(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
    }
    if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
    return out;
}

std::string message_of(int why, const std::vector<char*>& words) {
    // optind is past the word for long options; for letters it may still be on it.
    std::string word = optind > 0 && static_cast<size_t>(optind - 1) < words.size()
                           ? words[static_cast<size_t>(optind - 1)]
                           : "";
    if (why == ':') {
        return word.starts_with("--")
                   ? fmt::format("option '{}' requires an argument", word)
                   : fmt::format("option requires an argument -- '{}'", static_cast<char>(optopt));
    }
    if (optopt == 0) {
        return fmt::format("unrecognized option '{}'", word);
    }
    if (optopt >= kFirstLong)
        return fmt::format("option '{}' doesn't allow an argument", word.substr(0, word.find('=')));
    return fmt::format("invalid option -- '{}'", static_cast<char>(optopt));
}

}  // namespace

void OptionTable::add(std::string name, char letter, std::string argument, std::string help,
                      std::function<Result<void>(std::string_view)> set) {
    options_.push_back(
        {std::move(name), letter, std::move(argument), std::move(help), section_, std::move(set)});
}

void OptionTable::add_flag(std::string name, char letter, std::string help, bool& target, bool value) {
    add(std::move(name), letter, "", std::move(help), [&target, value](std::string_view) {
        target = value;
        return Result<void>();
    });
}

void OptionTable::add_text(std::string name, char letter, std::string argument, std::string help,
                           std::string& target) {
    add(std::move(name), letter, std::move(argument), std::move(help), [&target](std::string_view value) {
        target = value;
        return Result<void>();
    });
}

Result<std::vector<std::string>> OptionTable::parse(const std::vector<std::string>& arguments,
                                                    bool stop_at_word) const {
    std::vector<option> longs;
    std::string letters = stop_at_word ? "+:" : ":";
    for (size_t i = 0; i < options_.size(); ++i) {
        const Option& each = options_[i];
        if (!each.name.empty())
            longs.push_back(
                {each.name.c_str(), argument_kind(each), nullptr, kFirstLong + static_cast<int>(i)});
        if (!each.letter) continue;
        letters += each.letter;
        if (argument_kind(each) == required_argument) letters += ':';
        if (argument_kind(each) == optional_argument) letters += "::";
    }
    longs.push_back({});

    std::vector<std::string> storage = arguments;
    storage.insert(storage.begin(), "program");
    std::vector<char*> words;
    for (std::string& word : storage) words.push_back(word.data());
    words.push_back(nullptr);

    opterr = 0;
    optind = 0;  // glibc: start afresh
    for (;;) {
        int found = getopt_long(static_cast<int>(words.size()) - 1, words.data(), letters.c_str(),
                                longs.data(), nullptr);
        if (found == -1) break;
        if (found == '?' || found == ':') return Error{message_of(found, words)};
        const Option* chosen = nullptr;
        if (found >= kFirstLong) {
            chosen = &options_[static_cast<size_t>(found - kFirstLong)];
        } else {
            for (const Option& each : options_) {
                if (each.letter == found) chosen = &each;
            }
        }
        assert(chosen);
        WEFT_TRY(chosen->set(optarg ? std::string_view(optarg) : std::string_view()));
    }
    return std::vector<std::string>(words.begin() + optind, words.end() - 1);
}

std::string OptionTable::help_text() const {
    std::string text, section = "\n";
    for (const Option& option : options_) {
        if (option.section != section)
            text += fmt::format("\n{}:\n", option.section.empty() ? "Options" : option.section);
        section = option.section;
        append_entry(text, usage_of(option), option.help);
    }
    return text;
}

namespace {

bool help_is_manual_page = false;

// By man(7): 1 for what any user calls, 8 for what administrators and the system do.
int manual_section(std::string_view program) {
    for (std::string_view name :
         {"ovsdb-client", "ovsdb-tool", "ovs-pcap", "ovs-tcpundump", "ovn-detrace", "weft", "weft-sim"}) {
        if (program == name) return 1;
    }
    return 8;
}

}  // namespace

void make_help_the_manual_page() {
    help_is_manual_page = true;
}

std::string help_page(const ProgramText& text, const OptionTable& options) {
    if (help_is_manual_page) return manual_page(text, options, manual_section(text.name));
    std::string page =
        fmt::format("{}: {}\nusage: {} {}\n", text.name, text.summary, text.name, text.synopsis);
    if (!text.commands.empty()) page += "\nCommands:\n";
    for (const auto& [usage, help] : text.commands) append_entry(page, usage, help);
    return page + options.help_text();
}

std::string manual_page(const ProgramText& text, const OptionTable& options, int section) {
    std::string upper = text.name;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::string page = fmt::format(".TH {} {} \"\" \"Weft\" \"Weft Manual\"\n.SH NAME\n{} \\- {}\n",
                                   roff(upper), section, roff(text.name), roff(text.summary));
    page += fmt::format(".SH SYNOPSIS\n.B {}\n{}\n.SH DESCRIPTION\n", roff(text.name), roff(text.synopsis));
    std::string_view rest = text.description;
    while (!rest.empty()) {
        size_t end = std::min(rest.find("\n\n"), rest.size());
        page += roff(rest.substr(0, end)) + "\n.PP\n";
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    if (!text.commands.empty()) page += ".SH COMMANDS\n";
    for (const auto& [usage, help] : text.commands)
        page += fmt::format(".TP\n.B {}\n{}\n", roff(usage), roff(help));
    page += ".SH OPTIONS\n";
    std::string heading = "\n";
    for (const Option& option : options.options()) {
        if (option.section != heading && !option.section.empty())
            page += fmt::format(".SS {}\n", roff(option.section));
        heading = option.section;
        std::string usage = usage_of(option);
        usage.erase(0, std::min(usage.find('-'), usage.size()));
        page += fmt::format(".TP\n.B {}\n{}\n", roff(usage), roff(option.help));
    }
    return page;
}

void Questions::add_to(OptionTable& options) {
    options.add_flag("help", 'h', "Print this text.", help_);
    options.add_flag("version", 'V', "Print version information.", version_);
}

std::optional<std::string> Questions::answer(const ProgramText& text, const OptionTable& options,
                                             std::string_view more) const {
    if (help_) return help_page(text, options);
    if (version_) return version_text(text.name, more);
    return std::nullopt;
}

}  // namespace weft
