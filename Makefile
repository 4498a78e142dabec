# make            build/ivory
# make run        install what is missing, build, serve with the exchange and the example flows
# make test       everything, ending with one line "N passed, N failed"
# make asan       the unit, flow and black-box tests under address and undefined-behaviour sanitizers
# make lint       layers, formatting, cppcheck, luacheck          make format   put the formatting right
# make prompts    speak the texts of flows/prompts anew (espeak-ng, sox)
# make install    PREFIX=/usr/local DESTDIR=
V       ?= release
BUILD   := build$(if $(filter-out release,$(V)),/$(V))
PREFIX  ?= /usr/local
CC      ?= cc
PKGS    := lua5.4 libcurl libcjson libmicrohttpd libuv openssl

CFLAGS_release := -O2 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS  := -std=c11 -D_GNU_SOURCE $(CFLAGS_$(V)) -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror -MMD -MP
CPPFLAGS = -Iruntime -I. $(shell pkg-config --cflags $(PKGS))
LDLIBS   = $(shell pkg-config --libs $(PKGS)) -lpthread -lm
LDFLAGS  = $(filter -fsanitize%,$(CFLAGS_$(V)))

LIB_SRC  := $(wildcard runtime/base/*.c runtime/core/*.c runtime/graph/*.c runtime/journal/*.c runtime/host/*.c \
              runtime/exchange/*.c runtime/console/*.c bindings/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/stdlib.o
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/obj/%.o)
STDLIB   := $(sort $(shell find stdlib -name '*.lua' -not -path 'stdlib/meta/*'))

.PHONY: all run test asan tsan lint format install clean setup prompts
all: $(BUILD)/ivory

$(BUILD)/ivory: $(BUILD)/obj/runtime/main.o $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup -o $@ $^ $(LDLIBS)

$(BUILD)/obj/tests/unit/modules.inc: $(UNIT_SRC)
	@mkdir -p $(@D)
	@printf 'X(%s)\n' $(patsubst tests/unit/test_%.c,%,$(filter tests/unit/test_%,$(sort $(UNIT_SRC)))) > $@
$(BUILD)/obj/tests/unit/main.o: CPPFLAGS += -I$(BUILD)/obj/tests/unit
$(BUILD)/obj/tests/unit/main.o: $(BUILD)/obj/tests/unit/modules.inc

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# The standard library goes into the binary.
$(BUILD)/obj/stdlib.c: $(STDLIB) tests/embed.sh
	@mkdir -p $(@D)
	sh tests/embed.sh $(STDLIB) > $@.tmp && mv $@.tmp $@
$(BUILD)/obj/stdlib.o: $(BUILD)/obj/stdlib.c
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(BUILD)/obj/runtime/main.d
