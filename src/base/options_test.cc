#include "base/options.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

struct Parsed {
    std::string db, pidfile = "(none)";
    int dry_runs = 0;
};

OptionTable make_table(Parsed& parsed) {
    OptionTable table;
    table.section("General");
    table.add("db", 'd', "DATABASE", "Database to contact.", [&parsed](std::string_view v) {
        if (v == "bad") return Result<void>(Error{"\"bad\" is no database"});
        parsed.db = v;
        return Result<void>();
    });
    table.add("pidfile", 0, "[FILE]", "Write a pid file.", [&parsed](std::string_view v) {
        parsed.pidfile = v;
        return Result<void>();
    });
    table.add("dry-run", 'n', "", "Change nothing.", [&parsed](std::string_view) {
        ++parsed.dry_runs;
        return Result<void>();
    });
    return table;
}

TEST(Options, AllGnuFormsAreRead) {
    Parsed parsed;
    auto words = make_table(parsed).parse({"--db=a", "word", "--pidfile", "-nn", "--dry", "--", "--db"});
    ASSERT_TRUE(words) << words.message();
    EXPECT_EQ(*words, (std::vector<std::string>{"word", "--db"}));
    EXPECT_EQ(parsed.db, "a");
    EXPECT_EQ(parsed.pidfile, "");
    EXPECT_EQ(parsed.dry_runs, 3);
}

TEST(Options, TheFirstWordCanEndThem) {
    Parsed parsed;
    auto words = make_table(parsed).parse({"-d", "x", "command", "--db=y"}, true);
    ASSERT_TRUE(words);
    EXPECT_EQ(*words, (std::vector<std::string>{"command", "--db=y"}));
    EXPECT_EQ(parsed.db, "x");
}

TEST(Options, MistakesAreNamed) {
    Parsed parsed;
    OptionTable table = make_table(parsed);
    EXPECT_EQ(table.parse({"--nonsense"}).message(), "unrecognized option '--nonsense'");
    EXPECT_EQ(table.parse({"-x"}).message(), "invalid option -- 'x'");
    EXPECT_EQ(table.parse({"--db"}).message(), "option '--db' requires an argument");
    EXPECT_EQ(table.parse({"-d"}).message(), "option requires an argument -- 'd'");
    EXPECT_EQ(table.parse({"--dry-run=3"}).message(), "option '--dry-run' doesn't allow an argument");
    EXPECT_EQ(table.parse({"--db=bad"}).message(), "\"bad\" is no database");
}

TEST(Options, HelpAndManualShowEveryOption) {
    Parsed parsed;
    OptionTable table = make_table(parsed);
    ProgramText text{"prog", "does things", "[OPTION]...", "First.\n\nSecond.", {{"go NOW", "Goes."}}};
    std::string help = help_page(text, table), manual = manual_page(text, table, 8);
    for (const char* part : {"-d, --db=DATABASE", "--pidfile[=FILE]", "-n, --dry-run", "go NOW"}) {
        EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
    }
    EXPECT_NE(manual.find(".B \\-d, \\-\\-db=DATABASE"), std::string::npos) << manual;
    EXPECT_NE(manual.find(".SH COMMANDS"), std::string::npos);
}

}  // namespace
}  // namespace weft
