// Command lines: one table per program says which options there are; parsing, --help and the manual page come
// from it.
//
//     OptionTable options;
//     options.add("db", 0, "DATABASE", "Database to contact (default: unix:RUNDIR/db.sock).",
//     [&](std::string_view v) { db = v; return Result<void>(); }); options.add("dry-run", 'n', "", "Change
//     nothing.", [&](std::string_view) { ... }); WEFT_ASSIGN(auto words, options.parse(args));     // what is
//     not an option
//
// Options are GNU style: --name=VALUE, --name VALUE, -nVALUE, unambiguous prefixes, "--" ends them.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft {

struct Option {
    std::string name;  // without the dashes; "" if there is only a letter
    char letter = 0;   // 0: none
    std::string
        argument;      // "" takes none; "[FILE]" takes one optionally (only as --name=FILE); "FILE" needs one
    std::string help;  // one or more sentences
    std::string section;  // heading under which --help and the manual page show it
    std::function<Result<void>(std::string_view value)> set;
};

class OptionTable {
  public:
    void section(std::string heading) { section_ = std::move(heading); }  // of the options added next
    void add(std::string name, char letter, std::string argument, std::string help,
             std::function<Result<void>(std::string_view)> set);
    // The common kinds: one that sets `target` to `value`, and one whose argument goes there.
    void add_flag(std::string name, char letter, std::string help, bool& target, bool value = true);
    void add_text(std::string name, char letter, std::string argument, std::string help, std::string& target);

    // Returns the words that are not options.  `stop_at_word`: the first word ends the options (as in
    // ovs-vsctl COMMAND …).
    Result<std::vector<std::string>> parse(const std::vector<std::string>& arguments,
                                           bool stop_at_word = false) const;

    const std::vector<Option>& options() const { return options_; }
    std::string help_text() const;  // the options, section by section, as --help prints them

  private:
    std::string section_;
    std::vector<Option> options_;
};

// What --help and the manual page say about a program beside its options.
struct ProgramText {
    std::string name;                                           // "ovsdb-server"
    std::string summary;                                        // "Open vSwitch database server": one line
    std::string synopsis;                                       // "[OPTION]... [DATABASE]..."
    std::string description;                                    // paragraphs, separated by empty lines
    std::vector<std::pair<std::string, std::string>> commands;  // "add-br BRIDGE" -> one sentence
};

// After this, help_page() gives the manual page: how `weft man PROGRAM` gets it from PROGRAM's own --help.
void make_help_the_manual_page();

std::string help_page(const ProgramText& text, const OptionTable& options);                 // --help
std::string manual_page(const ProgramText& text, const OptionTable& options, int section);  // roff, man(7)

// --help and --version, which every program answers in place of doing anything.
class Questions {
  public:
    void add_to(OptionTable& options);  // which this must outlive
    void ask_help() { help_ = true; }   // in another way, as by `ovsdb-tool help`
    // After parsing: what is to be printed if there was a question.  `more`: lines of --version of the
    // program's own.
    std::optional<std::string> answer(const ProgramText& text, const OptionTable& options,
                                      std::string_view more = {}) const;

  private:
    bool help_ = false, version_ = false;
};

}  // namespace weft
