#!/bin/sh
# Run the black-box test NAME; its output goes to FOLDER/NAME.out, its exit status to FOLDER/NAME.status.
#   run.sh FOLDER NAME
test=$(ls "tests/blackbox/$2"_test.*)
case $test in
*.sh) sh "$test" ;;
*.py) python3 "$test" ;;
*.mjs) sh tests/blackbox/node.sh "$test" ;;
esac >"$1/$2.out" 2>&1
echo $? >"$1/$2.status"
